import { expect, test } from 'vitest';
import { createCompose } from '../../../../src/host/docker/compose.js';
import { createFakeRun, type Expected } from '../../fakeRun.js';

/** Compose with a fake runner that answers one command, given from behind the global options. */
function composeThat(command: readonly string[], answer: Exclude<Expected['answer'], undefined> = '', files: readonly string[] = []) {
  const tail = ['--project-directory', '/opt/supersync', ...files.flatMap((file) => ['--file', file]), ...command];
  const run = createFakeRun([{ file: 'env', args: (args) => args.slice(args.indexOf('--project-directory')).join(' ') === tail.join(' '), answer }]);
  return { run, compose: createCompose({ run, projectDirectory: '/opt/supersync', files }) };
}

const line = { ID: 'c1', Name: 'supersync-postgres', Service: 'postgres', State: 'running', Health: 'healthy', ExitCode: 0, Image: 'postgres:15' };
const gone = { ...line, ID: 'c2', Name: 'supersync-server', Service: 'supersync', State: 'exited', Health: '', ExitCode: 137 };

test.each([
  ['one object a line', `${JSON.stringify(line)}\n${JSON.stringify(gone)}\n`],
  ['an array, as before Compose 2.21', JSON.stringify([line, gone])],
])('reads the containers from %s', async (_, output) => {
  const { compose } = composeThat(['ps', '--all', '--format', 'json'], output);
  expect(await compose.readContainers()).toEqual([
    { service: 'postgres', name: 'supersync-postgres', id: 'c1', state: 'running', health: 'healthy', exitCode: 0 },
    { service: 'supersync', name: 'supersync-server', id: 'c2', state: 'exited', health: undefined, exitCode: 137 },
  ]);
});

test('reads no containers from nothing', async () => {
  const { compose } = composeThat(['ps', '--all', '--format', 'json'], '');
  expect(await compose.readContainers()).toEqual([]);
});

test("starts without building or pulling, in the project's directory and without the worker's own choice of files", async () => {
  const { run, compose } = composeThat(['up', '--detach', '--no-build', '--pull', 'never', '--no-deps', '--wait', '--wait-timeout', '60', 'postgres']);
  await compose.up({ services: ['postgres'], wait: true, timeoutSeconds: 60, noDeps: true });
  expect(run.calls[0]?.options).toMatchObject({ cwd: '/opt/supersync', timeout: 'service' });
  expect(run.calls[0]?.args.slice(0, 2)).toEqual(['-u', 'COMPOSE_FILE']);
});

test('gives the database its time to stop', async () => {
  const { run, compose } = composeThat(['stop', '--timeout', '300', 'postgres'], '', ['base.yaml']);
  await compose.stop({ services: ['postgres'], timeoutSeconds: 300 });
  expect(run.calls).toHaveLength(1);
});

test('calls a failure by what was done, and keeps what was said out of the message', async () => {
  const { compose } = composeThat(['stop', '--timeout', '1', 'postgres'], { exitCode: 1, stderr: 'canary' });
  const failure = await compose.stop({ services: ['postgres'], timeoutSeconds: 1 }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ message: 'docker compose stop exited with status 1', stderr: 'canary' });
});

test.each([
  [14, /a file that one of them names, is missing.*docker compose config --quiet" in \/opt\/supersync/],
  [15, /cannot be understood/],
])('does not try again with compose files that are missing or damaged, status %i', async (exitCode, message) => {
  const { compose } = composeThat(['stop', '--timeout', '1', 'postgres'], { exitCode, stderr: 'canary' });
  const failure: unknown = await compose.stop({ services: ['postgres'], timeoutSeconds: 1 }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'PermanentFailure', message: expect.stringMatching(message) as string });
  expect((failure as Error).message).not.toContain('canary');
});

test('tells which port the daemon says another container has', async () => {
  const stderr = 'Error response from daemon: driver failed programming external connectivity on endpoint supersync-server (e5a0): Bind for 127.0.0.1:1900 failed: port is already allocated';
  const { compose } = composeThat(['up', '--detach', '--no-build', '--pull', 'never', 'supersync'], { exitCode: 1, stderr });
  await expect(compose.up({ services: ['supersync'] })).rejects.toMatchObject({ name: 'PortTaken', port: '127.0.0.1:1900' });
});
