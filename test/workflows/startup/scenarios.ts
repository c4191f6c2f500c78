import { ApplicationFailure } from '@temporalio/common';
import { failureTypes } from '../../../src/contract/errors.js';
import { signalNames } from '../../../src/contract/names.js';
import type { DrivenRun, Driver } from '../engine/driver.js';
import { inTurn, type Behaviour } from '../engine/fakeHost.js';
import { migrateAnswers } from '../migrate/answers.js';

const answers = (name: keyof typeof migrateAnswers): Behaviour => () => Promise.resolve(migrateAnswers[name]);
const needsPassphrase: Behaviour = () =>
  Promise.reject(ApplicationFailure.nonRetryable('the operational passphrase, to open pg-data-encrypted', failureTypes.secretNeeded, 'operationalPassphrase', false));
const fails = (words: string): Behaviour => () => Promise.reject(ApplicationFailure.nonRetryable(words, failureTypes.permanent));

/** A startup whose first passphrase is wrong, rebooted after the unlock, and whose public address does not answer. */
export async function startUp(driver: Driver): Promise<DrivenRun> {
  const run = await driver.start('startup', {
    unlock: inTurn(needsPassphrase, needsPassphrase, answers('openVolume')),
    'start-database': inTurn(needsPassphrase, answers('startDatabaseOnVolume')),
    'verify-from-outside': fails('https://sync.example.com/health answers with status 502'),
  });
  for (const question of ['unlock.secret.1', 'unlock.secret.2', 'start-database.secret.1']) {
    await run.asked(question);
    await run.decide(question, 'provided');
  }
  await run.asked('verify-from-outside.failed.1');
  await run.decide('verify-from-outside.failed.1', 'skip', 'ann', 'the proxy is being mended');
  await run.result();
  return run;
}

/** A startup for which nobody has the passphrase, and that somebody ends. */
export async function leaveStartup(driver: Driver): Promise<DrivenRun> {
  const run = await driver.start('startup', { unlock: needsPassphrase });
  await run.asked('unlock.secret.1');
  await run.handle.signal(signalNames.rollback, { by: 'ann', reason: 'the disk is being exchanged' });
  await run.result();
  return run;
}

/** A shutdown that goes through. */
export async function shutDown(driver: Driver): Promise<DrivenRun> {
  const run = await driver.start('shutdown');
  await run.asked('shut-down');
  await run.decide('shut-down', 'go', 'ann', 'new memory');
  await run.result();
  return run;
}

/** A shutdown whose volume is not let go, and that starts the service again. */
export async function shutDownAndBack(driver: Driver): Promise<DrivenRun> {
  const run = await driver.start('shutdown', { 'lock-volume': fails('/mnt/pg-data-encrypted is busy') });
  await run.asked('shut-down');
  await run.decide('shut-down', 'go', 'ann', 'new memory');
  await run.asked('lock-volume.failed.1');
  await run.decide('lock-volume.failed.1', 'rollback', 'ann', 'another day');
  await run.result();
  return run;
}
