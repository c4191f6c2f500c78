import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { failureTypes } from '../../../src/contract/errors.js';
import { queryNames, signalNames } from '../../../src/contract/names.js';
import type { RunStatus } from '../../../src/contract/status.js';
import { createDriver, type Driver } from '../engine/driver.js';
import { fails, inTurn, openedWith, succeeds, type Behaviour } from '../engine/fakeHost.js';
import {
  createMigrateDriver,
  decommissionNot,
  decommissionParked,
  decommissionThrough,
  goBackLater,
  goBackParked,
  migrateAndCarryOver,
  migrateBackByBackup,
  migrateBackFromVerification,
  migrateBackParked,
  migrateCatchingUp,
  migrateParked,
  migrateThrough,
  stayAfterAll,
} from '../migrate/scenarios.js';
import { leaveStartup, shutDown, shutDownAndBack, startUp } from '../startup/scenarios.js';
import { saveHistory } from './histories.js';

/*
 * Writes the histories anew that replay.test.ts replays:
 *
 *     LOCKSTEP_WRITE_HISTORIES=1 npx vitest run --project workflows test/workflows/replay
 *
 * To be done, and committed, when a change of the engine is meant to break them. Open runs of the
 * version before break in the same way: such a change needs `patched()`, or runs to have ended.
 */
describe.runIf(process.env['LOCKSTEP_WRITE_HISTORIES'] === '1')('histories', () => {
  test('of the engine', () => withDriver(createDriver('real'), writeEngineHistories));
  test('of migrate', () =>
    withDriver(createMigrateDriver(), async (driver) => {
      await saveHistory('migrate', await migrateThrough(driver));
      await saveHistory('migrate-rolled-back', await migrateBackFromVerification(driver));
      await saveHistory('migrate-restored', await migrateBackByBackup(driver));
      await saveHistory('migrate-carried-over', await migrateAndCarryOver(driver));
      await saveHistory('migrate-parked', await migrateParked(driver));
      await saveHistory('migrate-going-back-parked', await migrateBackParked(driver));
      await saveHistory('migrate-caught-up', await migrateCatchingUp(driver));
      await saveHistory('rollback', await goBackLater(driver));
      await saveHistory('rollback-no-go', await stayAfterAll(driver));
      await saveHistory('rollback-parked', await goBackParked(driver));
      await saveHistory('decommissionPlaintext', await decommissionThrough(driver));
      await saveHistory('decommissionPlaintext-no-go', await decommissionNot(driver));
      await saveHistory('decommissionPlaintext-parked', await decommissionParked(driver));
    }));
  test('of startup and shutdown', () =>
    withDriver(createMigrateDriver(), async (driver) => {
      await saveHistory('startup', await startUp(driver));
      await saveHistory('startup-left', await leaveStartup(driver));
      await saveHistory('shutdown', await shutDown(driver));
      await saveHistory('shutdown-rolled-back', await shutDownAndBack(driver));
    }));
});

const needsSecret: Behaviour = () =>
  Promise.reject(ApplicationFailure.nonRetryable('a passphrase, please', failureTypes.secretNeeded, 'operationalPassphrase', false));

async function writeEngineHistories(driver: Driver): Promise<void> {
  const steps = await driver.start('steps', { prepare: inTurn(needsSecret, succeeds), copy: inTurn(fails, succeeds), compare: fails });
  await steps.asked('prepare.secret.1');
  await steps.decide('prepare.secret.1', 'provided');
  await steps.asked('copy.failed.1');
  await steps.handle.cancel();
  await steps.asked('cancelled');
  await steps.decide('cancelled', 'continue');
  await steps.decide('copy.failed.1', 'retry');
  await steps.asked('compare.failed.1');
  await steps.decide('compare.failed.1', 'skip', 'ann', 'known noise');
  await steps.result();
  await saveHistory('steps', steps);

  const together = await driver.start('together', { 'undo prepare': inTurn(fails, succeeds) });
  await together.asked('ready');
  await together.handle.signal(signalNames.resumed, { bootId: 'boot-2' });
  await together.began('ensureConditions');
  await together.decide('announced', 'acknowledged');
  await together.decide('reviewed', 'no-go', 'ann', 'not reviewed');
  await together.asked('prepare.failed.1');
  await together.decide('prepare.failed.1', 'retry');
  await together.result();
  await saveHistory('together-rolled-back', together);

  const gated = await driver.start('gated', { beginWayBack: () => Promise.resolve({ toUndo: [], usersMayWriteSince: '2026-11-01T20:00:00Z' }) });
  await gated.asked('ready');
  await gated.handle.signal(signalNames.rollback, { by: 'ann', reason: 'too slow' });
  await gated.asked('past-the-point-of-no-return');
  await gated.decide('past-the-point-of-no-return', 'continue');
  await gated.asked('ready.2');
  await gated.decide('ready.2', 'go');
  await gated.result();
  await saveHistory('gated-past-no-return', gated);

  const twoWaysBack = await driver.start('twoWaysBack', { 'undo stop': inTurn(fails, fails, succeeds) });
  await twoWaysBack.asked('ready');
  await twoWaysBack.decide('ready', 'no-go', 'ann', 'not yet');
  await twoWaysBack.asked('stop.failed.1');
  await twoWaysBack.decide('stop.failed.1', 'use-spare', 'ann', 'it is broken');
  await twoWaysBack.asked('stop.failed.2');
  await twoWaysBack.decide('stop.failed.2', 'retry');
  await twoWaysBack.result();
  await saveHistory('two-ways-back', twoWaysBack);

  driver.prepare('host/rotation-emergency', { openRun: inTurn(fails, openedWith({})) });
  const incident = await driver.start('incident', { openRun: openedWith({ reminders: { beforePercent: 0.05, firstAfterSeconds: 3600, everySeconds: 3600 } }) });
  await incident.asked('rotated.failed.1');
  await incident.decide('rotated.failed.1', 'retry');
  await expect.poll(() => incident.told.length, { timeout: 15_000 }).toBeGreaterThan(1);
  const rotation = driver.environment.client.workflow.getHandle('host/rotation-emergency');
  await incident.decide('assessed', 'acknowledged', 'ann', 'two people had access');
  await incident.decide('harmless', 'no', 'ann', 'somebody has read it');
  await incident.asked('notified');
  await incident.decide('notified', 'acknowledged');
  await expect.poll(async () => (await rotation.query<RunStatus>(queryNames.status).catch(() => undefined))?.questions.length, { timeout: 15_000 }).toBe(1);
  await rotation.signal(signalNames.decide, { question: 'rotate', answer: 'go', by: 'ben' });
  await incident.result();
  await saveHistory('incident', incident);
}

async function withDriver(created: Promise<Driver>, use: (driver: Driver) => Promise<void>): Promise<void> {
  const driver = await created;
  try {
    await use(driver);
  } finally {
    await driver.stop();
  }
}
