import { afterAll, beforeAll, expect, test } from 'vitest';
import { signalNames } from '../../../src/contract/names.js';
import type { Driver } from '../engine/driver.js';
import { createMigrateDriver, migrateBackFromVerification, migrateThrough } from './scenarios.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createMigrateDriver();
});
afterAll(() => driver.stop());

test('a migration goes through all its steps and ends with figures', async () => {
  const run = await migrateThrough(driver);
  const { state, nodes } = await run.status();
  expect(state).toBe('succeeded');
  expect(nodes.filter((node) => node.state !== 'done').map(({ id, state: left }) => [id, left])).toEqual([
    ['announce-window', 'not needed'],
    ['maintenance-window', 'not needed'],
  ]);
  expect(run.calls.at(-1)?.args).toMatchObject({
    state: 'succeeded',
    summary: expect.arrayContaining([['users were offline', '1 min 37 s']]) as unknown,
  });
  const { events } = await run.handle.fetchHistory();
  expect(events?.length).toBeLessThan(500);
});

test('from a copy that nobody trusts the service goes back, in the order in which that works', async () => {
  const run = await migrateBackFromVerification(driver);
  expect((await run.status()).state).toBe('rolled back');
  const done = run.done();
  expect(done.slice(done.indexOf('beginWayBack'))).toEqual([
    'beginWayBack',
    'undo stop-database',
    'undo stop-application',
    'undo begin-maintenance',
    'undo disable-restart',
    'undo create-volume-file',
    'announce-rollback',
    'closeRun',
  ]);
});

test('after a boot users are online again while somebody decides about the old data', async () => {
  const run = await driver.start('decommissionPlaintext');
  await run.asked('remove-plaintext-gate');
  await run.handle.signal(signalNames.resumed, { bootId: 'boot-2' });
  await run.began('ensureConditions');
  expect(run.calls.at(-1)?.call.requires).toEqual(['volume open', 'application up']);
  await run.handle.terminate();
});
