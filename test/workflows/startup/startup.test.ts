import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Driver } from '../engine/driver.js';
import { createMigrateDriver } from '../migrate/scenarios.js';
import { leaveStartup, shutDown, shutDownAndBack, startUp } from './scenarios.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createMigrateDriver();
});
afterAll(() => driver.stop());

test('a startup asks again for a wrong passphrase and after a reboot, and leaves the service up', async () => {
  const run = await startUp(driver);
  const { state, nodes } = await run.status();
  expect(state).toBe('succeeded');
  expect(nodes.filter((node) => node.state !== 'done').map(({ id, state: left }) => [id, left])).toEqual([['verify-from-outside', 'skipped']]);
  expect(run.calls.at(-1)?.args).toMatchObject({ leaves: ['volume open', 'application up'], summary: [['volume at the start', 'closed: a reboot'], ['started by', 'ann, from 192.0.2.7']] });
});

test('a startup that is left changes nothing more', async () => {
  const run = await leaveStartup(driver);
  expect(await run.status()).toMatchObject({ state: 'stopped', outcome: expect.stringContaining('The host stays as it is') as unknown });
  expect(run.done()).toEqual(['openRun', 'look-at-host', 'unlock', 'closeRun']);
});

test('a shutdown shows who is connected, stops, and locks', async () => {
  const run = await shutDown(driver);
  expect(run.done()).toEqual(['openRun', 'look-before', 'stop-application', 'stop-database', 'lock-volume', 'prove-locked', 'closeRun']);
  expect((await run.status()).state).toBe('succeeded');
});

test('a shutdown that is gone back from starts the service again', async () => {
  const run = await shutDownAndBack(driver);
  expect(await run.status()).toMatchObject({ state: 'rolled back' });
  expect(run.done().slice(-5)).toEqual(['beginWayBack', 'undo lock-volume', 'undo stop-database', 'undo stop-application', 'closeRun']);
});
