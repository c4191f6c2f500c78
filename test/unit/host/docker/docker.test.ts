import { describe, expect, test } from 'vitest';
import { createDocker } from '../../../../src/host/docker/docker.js';
import { createFakeRun, type Expected } from '../../fakeRun.js';

/** As Docker 20.10 prints it, shortened. */
const inspected = (changes: { state?: object; restart?: object } = {}) =>
  JSON.stringify([
    {
      Id: 'b5927eb7c033',
      Name: '/supersync-postgres',
      Image: 'sha256:1478451f987a',
      RestartCount: 2,
      State: { Status: 'running', Running: true, OOMKilled: false, Pid: 26025, ExitCode: 0, StartedAt: '2031-02-03T04:05:06.741776964Z', FinishedAt: '0001-01-01T00:00:00Z', ...changes.state },
      HostConfig: { NetworkMode: 'none', RestartPolicy: { Name: 'always', MaximumRetryCount: 0, ...changes.restart } },
      Mounts: [
        { Type: 'volume', Name: 'supersync_pg-data', Source: '/var/lib/docker/volumes/supersync_pg-data/_data', Destination: '/var/lib/postgresql/data', Driver: 'local', RW: true },
        { Type: 'tmpfs', Destination: '/scratch', RW: true },
        { Type: 'bind', Source: '/opt/supersync/initdb', Destination: '/docker-entrypoint-initdb.d', RW: false },
      ],
      Config: { Image: 'postgres:15', Env: ['POSTGRES_PASSWORD=can=ary', 'PGDATA=/var/lib/postgresql/data'], Labels: { 'com.docker.compose.service': 'postgres' } },
    },
  ]);

const inspect = ['container', 'inspect', 'supersync-postgres'];
const dockerThat = (...expected: readonly Expected[]) => createDocker({ run: createFakeRun(expected) });
const container = 'supersync-postgres';

describe('a container', () => {
  test('is told in facts, without the values of its environment', async () => {
    const facts = await dockerThat({ file: 'docker', args: inspect, answer: inspected() }).readContainer(container);
    expect(facts).toMatchObject({
      name: container,
      image: 'postgres:15',
      state: 'running',
      health: undefined,
      processId: 26025,
      startedAt: '2031-02-03T04:05:06.741776964Z',
      finishedAt: undefined,
      restartPolicy: 'always',
      restartCount: 2,
      environmentNames: ['POSTGRES_PASSWORD', 'PGDATA'],
    });
    expect(facts?.mounts.map(({ type, volumeName, source, target, isReadOnly }) => [type, volumeName, source, target, isReadOnly])).toEqual([
      ['volume', 'supersync_pg-data', '/var/lib/docker/volumes/supersync_pg-data/_data', '/var/lib/postgresql/data', false],
      ['tmpfs', undefined, '', '/scratch', false],
      ['bind', undefined, '/opt/supersync/initdb', '/docker-entrypoint-initdb.d', true],
    ]);
    expect(JSON.stringify(facts)).not.toContain('can=ary');
  });

  test('gives one value of its environment', async () => {
    const docker = dockerThat({ file: 'docker', args: inspect, answer: inspected() });
    expect(await docker.readEnvironmentValue({ container, name: 'POSTGRES_PASSWORD' })).toBe('can=ary');
    expect(await docker.readEnvironmentValue({ container, name: 'NONE' })).toBeUndefined();
  });

  test.each([
    [{ Name: 'on-failure', MaximumRetryCount: 3 }, 'on-failure:3'],
    [{ Name: 'on-failure', MaximumRetryCount: 0 }, 'on-failure'],
    [{ Name: '', MaximumRetryCount: 0 }, 'no'],
  ])('has its restart policy as docker update takes it: %j', async (restart, policy) => {
    const docker = dockerThat({ file: 'docker', args: inspect, answer: inspected({ restart }) });
    expect((await docker.readContainer(container))?.restartPolicy).toBe(policy);
  });

  test('that is not there is undefined, and a daemon that is not there an error', async () => {
    const gone = dockerThat({ file: 'docker', args: inspect, answer: { exitCode: 1, stdout: '[]\n', stderr: 'Error: No such container: supersync-postgres' } });
    expect(await gone.readContainer(container)).toBeUndefined();
    const dead = dockerThat({ file: 'docker', args: inspect, answer: { exitCode: 1, stderr: 'Cannot connect to the Docker daemon' } });
    await expect(dead.readContainer(container)).rejects.toThrow('docker exited with status 1');
  });
});

describe('the restart policy', () => {
  test('is changed once and read again', async () => {
    let policy = 'always';
    const run = createFakeRun([
      { file: 'docker', args: inspect, answer: () => inspected({ restart: { Name: policy } }) },
      { file: 'docker', args: ['update', '--restart', 'no', container], answer: () => (policy = 'no') },
    ]);
    const docker = createDocker({ run });
    expect(await docker.ensureRestartPolicy({ container, policy: 'no' })).toEqual({ changed: true, previous: 'always' });
    expect(await docker.ensureRestartPolicy({ container, policy: 'no' })).toEqual({ changed: false, previous: 'no' });
    expect(run.calls.filter(({ args }) => args[0] === 'update')).toHaveLength(1);
  });

  test('that did not change is no success', async () => {
    const docker = dockerThat({ file: 'docker', args: inspect, answer: inspected() }, { file: 'docker', args: ['update', '--restart', 'no', container] });
    await expect(docker.ensureRestartPolicy({ container, policy: 'no' })).rejects.toThrow('has the restart policy always after it was set to no');
  });
});

test('reads volumes and images', async () => {
  const volume = { Name: 'supersync_pg-data', Driver: 'local', Mountpoint: '/var/lib/docker/volumes/supersync_pg-data/_data', Options: null };
  const image = { Id: 'sha256:1', RepoTags: ['postgres:15'], RepoDigests: [], Config: { Env: ['PGDATA=/var/lib/postgresql/data'], Volumes: { '/var/lib/postgresql/data': {} }, User: '' } };
  const docker = dockerThat(
    { file: 'docker', args: ['volume', 'inspect', 'supersync_pg-data'], answer: JSON.stringify([volume]) },
    { file: 'docker', args: ['volume', 'inspect', 'none'], answer: { exitCode: 1, stdout: '[]', stderr: 'Error response from daemon: get none: no such volume' } },
    { file: 'docker', args: ['image', 'inspect', 'postgres:15'], answer: JSON.stringify([image]) },
  );
  expect(await docker.readVolume('supersync_pg-data')).toEqual({ name: volume.Name, driver: 'local', mountPoint: volume.Mountpoint, options: {} });
  expect(await docker.readVolume('none')).toBeUndefined();
  expect(await docker.readImage('postgres:15')).toMatchObject({ environment: { PGDATA: '/var/lib/postgresql/data' }, volumeTargets: ['/var/lib/postgresql/data'] });
});

test('there is no log of a container that is gone', async () => {
  const docker = dockerThat({ file: 'docker', args: inspect, answer: { exitCode: 1, stdout: '[]\n', stderr: 'Error: No such container: supersync-postgres' } });
  expect(await docker.readLogs({ container, since: new Date(0), wanted: () => true })).toBeUndefined();
});

test('reads the wanted lines of a log in the order of time', async () => {
  const since = new Date('2031-02-03T04:00:00Z');
  const docker = dockerThat({ file: 'docker', args: inspect, answer: inspected() }, {
    file: 'docker',
    args: ['logs', '--timestamps', '--since', '2031-02-03T04:00:00.000Z', container],
    answer: '2031-02-03T04:00:03.5Z ERROR:  three\n2031-02-03T04:00:01.5Z one\n2031-02-03T04:00:02.5Z ERROR:  two\nnot a line of Docker\n',
  });
  expect(await docker.readLogs({ container, since, wanted: (text) => text.includes('ERROR') })).toEqual([
    { at: '2031-02-03T04:00:02.5Z', text: 'ERROR:  two' },
    { at: '2031-02-03T04:00:03.5Z', text: 'ERROR:  three' },
  ]);
});
