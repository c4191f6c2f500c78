import { expect, test } from 'vitest';
import { readSigns, triggersOf, type Signs } from '../../../../src/activities/watch/signs.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { needErrorLines } from '../../../../src/activities/watch/serviceLogs.js';
import { createDocker } from '../../../../src/host/docker/docker.js';
import { CommandFailed } from '../../../../src/host/processes/runner.js';
import { createFakeRun } from '../../fakeRun.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const quiet: Signs = { errorLines: [], grave: 0, restarts: 0, ended: 0, memoryKills: 0, ioErrors: 0, checksumFailures: 0 };
const allowed = { errors: 0, unhealthySeconds: 60 };

test.each<[string, Partial<Signs>, string]>([
  ['a wrong checksum', { checksumFailures: 1 }, 'pages with a wrong checksum'],
  ['a line of damage', { grave: 1 }, 'log lines of damage or of a crash'],
  ['an I/O error', { ioErrors: 2 }, 'kernel I/O errors under the volume'],
  ['a container that ended', { ended: 1 }, 'containers that do not run any more'],
  ['a restart', { restarts: 1 }, 'containers restarted by Docker'],
  ['a process killed for memory', { memoryKills: 1 }, 'processes killed for want of memory'],
  ['an error more than before', { errorLines: ['ERROR'] }, 'error lines'],
])('%s is a reason to go back, named as evidence', (_, different, label) => {
  expect(triggersOf({ ...quiet, ...different }, 0, allowed).map(([each]) => each)).toEqual([label]);
});

test('nothing is no reason, and neither are errors of which nobody knows how many there were before', () => {
  expect(triggersOf(quiet, 60, allowed)).toEqual([]);
  expect(triggersOf({ ...quiet, errorLines: ['ERROR'] }, 0, { ...allowed, errors: undefined })).toEqual([]);
  expect(triggersOf(quiet, 61, allowed)).toEqual([['a health check that fails', '1 min 01 s (limit 1 min 00 s)']]);
});

/** Docker as its command line answers: of the database and the application, those are gone. */
function dockerWithout(...gone: readonly string[]) {
  const isGone = (args: readonly string[]) => gone.includes(args.at(-1) ?? '');
  const running = [{ Id: 'one', Name: '/database', Image: 'sha256:1', RestartCount: 0, State: { Status: 'running', Running: true, OOMKilled: false, Pid: 1, ExitCode: 0, StartedAt: '2026-11-01T18:00:00Z', FinishedAt: '0001-01-01T00:00:00Z' }, HostConfig: { NetworkMode: 'none', RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } }, Mounts: [], Config: { Image: 'postgres:15', Env: [], Labels: {} } }];
  const run = createFakeRun([
    {
      file: 'docker',
      args: ([kind, verb]) => kind === 'container' && verb === 'inspect',
      answer: (args) => (isGone(args) ? { exitCode: 1, stdout: '[]\n', stderr: `Error: No such container: ${args.at(-1)}` } : JSON.stringify(running)),
    },
    {
      file: 'docker',
      args: ([kind]) => kind === 'logs',
      answer: (args) => (isGone(args) ? { exitCode: 1, stderr: `Error: No such container: ${args.at(-1)}` } : '2026-11-01T19:00:01Z ERROR:  deadlock detected\n'),
    },
  ]);
  return createDocker({ run });
}

/** What the kernel said, on a host whose volume stands on dm-0, loop0 and sda. */
function ioErrorsOf(messages: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    withDirectory(async (directory) => {
      const attempt = createAttempt({
        directory,
        config: { volume: { mountPoint: directory } },
        tools: {
          postgres: { checksumFailures: () => Promise.reject(new CommandFailed('docker', 1, 'exited with status 1', { stdout: '', stderr: '' })) },
          kernelLog: { read: () => Promise.resolve({ ioErrors: messages.map((message) => ({ at: '', message })), memoryKills: [] }) },
          blockDevices: { readNamesBelow: () => Promise.resolve(['dm-0', 'loop0', 'sda']), readNames: () => Promise.resolve(['dm-0', 'loop0', 'sda', 'sdb', 'dm-1']) },
          docker: dockerWithout('database', 'application'),
        },
      });
      await keepFact(attempt, 'source', { container: 'database', applicationContainer: 'application' });
      resolve((await readSigns(attempt, { since: '2026-11-01T19:00:00Z', restarts: {}, checksumFailures: 0 })).ioErrors);
    }).catch(reject);
  });
}

test('I/O errors count on what the volume stands on, and where no device is named', async () => {
  expect(await ioErrorsOf(['blk_update_request: I/O error, dev sda2, sector 8', 'EXT4-fs error (device dm-0): iget', 'Buffer I/O error on device loop0'])).toBe(3);
  expect(await ioErrorsOf(['blk_update_request: I/O error, dev sdb, sector 8', 'EXT4-fs error (device dm-1): iget'])).toBe(0);
  expect(await ioErrorsOf(['I/O error somewhere'])).toBe(1);
});

test('a container that is gone has ended, and wrong checksums of before a watch could count are not of its time', () =>
  withDirectory(async (directory) => {
    const attempt = createAttempt({
      directory,
      tools: {
        postgres: { checksumFailures: () => Promise.resolve(5) },
        kernelLog: { read: () => Promise.resolve({ ioErrors: [], memoryKills: [] }) },
        docker: dockerWithout('application'),
      },
    });
    await keepFact(attempt, 'source', { container: 'database', applicationContainer: 'application' });
    const since = '2026-11-01T19:00:00Z';
    expect(await readSigns(attempt, { since, restarts: {} })).toMatchObject({ ended: 1, checksumFailures: 0, errorLines: ['ERROR:  deadlock detected'] });
    expect(await readSigns(attempt, { since, restarts: {}, checksumFailures: 3 })).toMatchObject({ checksumFailures: 2 });
  }));

test('where the log itself is what is judged, a container that is gone is told of', () =>
  withDirectory(async (directory) => {
    const attempt = createAttempt({ directory, tools: { docker: dockerWithout('application') } });
    await keepFact(attempt, 'source', { container: 'database', applicationContainer: 'application' });
    await expect(needErrorLines(attempt, '2026-11-01T19:00:00Z')).rejects.toThrow('there is no container application, whose log is to be read; compare its name with docker ps --all');
  }));
