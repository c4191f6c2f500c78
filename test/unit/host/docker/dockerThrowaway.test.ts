import { expect, test } from 'vitest';
import { createThrowaways } from '../../../../src/host/docker/dockerThrowaway.js';
import { createFakeRun, type Expected } from '../../fakeRun.js';

const image = { id: 'sha256:1', tags: [], digests: [], environment: {}, volumeTargets: ['/var/lib/postgresql/data'], user: '' };

function throwawaysThat(...expected: readonly Expected[]) {
  const run = createFakeRun(expected);
  const docker = { readImage: (reference: string) => Promise.resolve(reference === 'postgres:15' ? image : undefined) };
  return { run, throwaways: createThrowaways({ run, docker }) };
}

const isolated = [
  ...['--network', 'none', '--pull', 'never', '--log-driver', 'none', '--security-opt', 'no-new-privileges'],
  ...['--label', 'lockstep.run=host/migrate/1'],
];
const runId = 'host/migrate/1';

test('runs a program on a volume that it cannot write to', async () => {
  const { throwaways } = throwawaysThat({
    file: 'docker',
    args: ['run', '--rm', '--read-only', ...isolated, '--mount', 'type=bind,target=/var/lib/postgresql/data,source=/srv/data,readonly', '--user', '999:999', '--entrypoint', 'pg_controldata', 'postgres:15', '-D', '/var/lib/postgresql/data'],
    answer: 'pg_control version number: 1300\n',
  });
  const result = await throwaways.run({
    image: 'postgres:15',
    runId,
    user: '999:999',
    entrypoint: 'pg_controldata',
    args: ['-D', '/var/lib/postgresql/data'],
    mounts: [{ type: 'bind', source: '/srv/data', target: '/var/lib/postgresql/data', isReadOnly: true }],
  });
  expect(result.stdout).toContain('1300');
});

test("covers the image's own volumes with memory, and quotes what Docker reads as CSV", async () => {
  const { run, throwaways } = throwawaysThat({ file: 'docker', args: (args) => args.includes('--detach'), answer: 'c1\n' });
  const mounts = [{ type: 'bind', source: '/srv/a,b', target: '/x' }, { type: 'tmpfs', target: '/tmp', sizeBytes: 1024 }] as const;
  expect(await throwaways.start({ image: 'postgres:15', runId, name: 'restore', environment: { POSTGRES_HOST_AUTH_METHOD: 'trust' }, mounts })).toEqual({ containerId: 'c1' });
  expect(run.calls[0]?.args).toEqual([
    ...['run', '--detach', '--name', 'restore', ...isolated],
    ...['--mount', 'type=bind,target=/x,"source=/srv/a,b"'],
    ...['--mount', 'type=tmpfs,target=/tmp,tmpfs-mode=0700,tmpfs-size=1024'],
    ...['--mount', 'type=tmpfs,target=/var/lib/postgresql/data,tmpfs-mode=0700'],
    ...['--env', 'POSTGRES_HOST_AUTH_METHOD=trust', 'postgres:15'],
  ]);
});

test('names the image that is missing, with the way to get it', async () => {
  await expect(throwawaysThat().throwaways.run({ image: 'postgres:16', runId })).rejects.toThrow('docker pull postgres:16');
});

test('finds and removes what a run left, and does nothing where it left nothing', async () => {
  const ps = (filter: string) => ['ps', '--all', '--no-trunc', '--filter', `label=${filter}`, '--format', '{{.ID}}\t{{.Names}}\t{{.Label "lockstep.run"}}'];
  const { run, throwaways } = throwawaysThat(
    { file: 'docker', args: ps('lockstep.run'), answer: 'c1\trestore\thost/migrate/1\nc2\tother\thost/backup/9\n' },
    { file: 'docker', args: ps('lockstep.run=host/migrate/1'), answer: 'c1\trestore\thost/migrate/1\n' },
    { file: 'docker', args: ps('lockstep.run=host/migrate/2'), answer: '' },
    { file: 'docker', args: ['rm', '--force', '--volumes', 'c1'] },
  );
  expect(await throwaways.list()).toEqual([
    { id: 'c1', name: 'restore', runId },
    { id: 'c2', name: 'other', runId: 'host/backup/9' },
  ]);
  expect(await throwaways.remove({ runId })).toEqual({ removed: 1 });
  expect(await throwaways.remove({ runId: 'host/migrate/2' })).toEqual({ removed: 0 });
  expect(run.calls.filter(({ args }) => args[0] === 'rm')).toHaveLength(1);
});
