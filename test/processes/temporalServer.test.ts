import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@temporalio/client';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { searchAttributeNames } from '../../src/contract/names.js';
import { createRun } from '../../src/host/processes/runner.js';
import { connectClient } from '../../src/worker/connection.js';
import { startTemporalServer } from '../../src/worker/temporalServer.js';
import { findFreePort } from '../workflows/freePort.js';
import { findTemporalProgram } from '../workflows/programs.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-server-'));
});
afterEach(() => rm(directory, { recursive: true }));

const program = { path: findTemporalProgram(), version: '', from: 'test' };

async function readNamespace(connection: Connection) {
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
  return {
    retentionDays: (optionalTsToMs(config?.workflowExecutionRetentionTtl) ?? 0) / 86_400_000,
    attributes: Object.keys(customAttributes).filter((name) => name.startsWith('Lockstep')).sort(),
  };
}

test('a database that lost its settings is brought to them again at the next start', async () => {
  const port = await findFreePort();
  const ready = { retentionDays: 400, attributes: Object.values(searchAttributeNames).sort() };
  const start = () => startTemporalServer({ run: createRun(), program, directory, port });

  const first = await start();
  const { connection } = await connectClient(first.settings);
  expect(await readNamespace(connection)).toEqual(ready);
  await connection.operatorService.removeSearchAttributes({ namespace: 'default', searchAttributes: ['LockstepState'] });
  await connection.close();
  await first.stop();

  const second = await start();
  const again = await connectClient(second.settings);
  expect(await readNamespace(again.connection)).toEqual(ready);
  await again.connection.close();
  await second.stop();
});

test.each([
  ['standard error', 'echo "no room" >&2; exit 1', 'the Temporal server ended (exited with status 1): no room; mend what it names and start it again'],
  ['standard output', 'echo "no room"; exit 1', 'the Temporal server ended (exited with status 1): no room; mend what it names and start it again'],
  ['nothing', 'exit 1', 'the Temporal server ended (exited with status 1) and did not say why; start it again'],
])('a server that ends by itself is told with its last words: %s', async (_, script, told) => {
  const port = await findFreePort();
  const path = join(directory, 'faulty');
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await expect(startTemporalServer({ run: createRun(), program: { ...program, path }, directory, port })).rejects.toThrow(told);
});
