import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CommandFailed, type Run } from '../../../src/host/processes/runner.js';
import { findTemporalProgram } from '../../../src/worker/temporalProgram.js';
import { createFakeRun } from '../fakeRun.js';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'lockstep-cache-'));
});
afterEach(() => rm(cache, { recursive: true }));

const silent = () => undefined;

/** A machine on which `temporal` is not on PATH. */
function withoutTemporal(run: Run): Run {
  return (file, args, options) =>
    file === 'temporal'
      ? Promise.reject(new CommandFailed(file, undefined, 'is not installed on this host', { stdout: '', stderr: '' }))
      : run(file, args, options);
}

test('the one on PATH comes first', async () => {
  const run = createFakeRun([{ file: 'temporal', args: ['--version'], answer: 'temporal version 1.5.1\n' }]);
  await expect(findTemporalProgram(run, cache, silent)).resolves.toEqual({ path: 'temporal', version: 'temporal version 1.5.1', from: 'PATH' });
});

test("then the one in Lockstep's cache", async () => {
  const cached = join(cache, 'bin', 'temporal');
  await mkdir(join(cache, 'bin'));
  await writeFile(cached, '');
  await chmod(cached, 0o755);
  const run = withoutTemporal(createFakeRun([{ file: cached, args: ['--version'], answer: 'temporal version 1.5.0' }]));
  await expect(findTemporalProgram(run, cache, silent)).resolves.toEqual({ path: cached, version: 'temporal version 1.5.0', from: "Lockstep's cache" });
});

test('one on PATH that does not run is not passed over in silence', async () => {
  const run = createFakeRun([{ file: 'temporal', args: ['--version'], answer: { exitCode: 1 } }]);
  await expect(findTemporalProgram(run, cache, silent)).rejects.toThrow('temporal exited with status 1');
});
