import { ApplicationFailure } from '@temporalio/common';
import { failureTypes } from '../../../src/contract/errors.js';
import { createDriver, type DrivenRun, type Driver } from '../engine/driver.js';
import { inTurn, opened, openedWith, plainSettings, type Behaviour, type Script } from '../engine/fakeHost.js';
import { migrateAnswers } from './answers.js';

const answers = (name: keyof typeof migrateAnswers): Behaviour => () => Promise.resolve(migrateAnswers[name]);
const needsSecret = (secret: string): Behaviour => () =>
  Promise.reject(ApplicationFailure.nonRetryable('a passphrase, please', failureTypes.secretNeeded, secret, true));
const fails = (words: string): Behaviour => () => Promise.reject(ApplicationFailure.nonRetryable(words, failureTypes.permanent));

/** The questions of migrate in the order in which they open, where all goes well. */
const questions: readonly (readonly [string, string])[] = [
  ['backup-reachable', 'acknowledged'],
  ['window-announced', 'acknowledged'],
  ['rollback-reviewed', 'acknowledged'],
  ['key-holders-reachable', 'acknowledged'],
  ['preflight', 'go'],
  ['format-volume.secret.1', 'provided'],
  ['operational-stored', 'acknowledged'],
  ['recovery-stored', 'acknowledged'],
  ['go-offline', 'go'],
  ['final-backup', 'go'],
  ['copy-data.failed.1', 'retry'],
  ['verification', 'go'],
  ['final', 'go'],
];

/** A driver of the project's own runbooks, on the server that users run. */
export function createMigrateDriver(): Promise<Driver> {
  return createDriver('real', { workflows: new URL('../../../src/workflows/index.ts', import.meta.url), answers: migrateAnswers });
}

/** A migration from its start to its end, with a passphrase to type and a copy that fails once. */
export async function migrateThrough(driver: Driver): Promise<DrivenRun> {
  const run = await start(driver, { 'copy-data': inTurn(fails('the volume is full'), answers('copyData')) });
  for (const [question, choice] of questions) await answer(run, question, choice);
  await run.result();
  return run;
}

/** A migration whose copy failed, and that waits for somebody to say what now. */
export async function migrateParked(driver: Driver): Promise<DrivenRun> {
  const run = await start(driver, { 'copy-data': fails('the volume is full') });
  await answerUntil(run, 'copy-data.failed.1');
  return run;
}

/** A migration on its way back, of which a step failed. */
export async function migrateBackParked(driver: Driver): Promise<DrivenRun> {
  const run = await start(driver, { 'undo stop-database': fails('the old database does not start') });
  await answerUntil(run, 'verification');
  await run.decide('verification', 'no-go', 'ben', 'the digest list looks short');
  await run.asked('stop-database.failed.1');
  return run;
}

/** A migration whose server was put back to an earlier time: its host has gone on to the last gate. */
export async function migrateCatchingUp(driver: Driver): Promise<DrivenRun> {
  const isAhead: Behaviour = () => Promise.reject(ApplicationFailure.nonRetryable('the journal goes on to call 40', failureTypes.hostAhead, false));
  const ids = ['read-host', 'measure-source', 'check-room', 'final-backup-taken', 'verify-final-backup', 'verify-copy', 'verify-rows', 'end-maintenance', 'watch-first-hour'] as const;
  const results = { 'read-host': 'readHost', 'measure-source': 'measureSource', 'check-room': 'assertFitsVolume', 'final-backup-taken': 'takeBackup', 'verify-final-backup': 'verifyBackup', 'verify-copy': 'verifyCopy', 'verify-rows': 'verifyRows', 'end-maintenance': 'endMaintenance', 'watch-first-hour': 'watch' } as const;
  const found = ids.map((id) => ({ id, result: migrateAnswers[results[id]] }));
  const run = await start(driver, {
    'disable-restart': isAhead,
    catchUp: () => Promise.resolve({ calls: 40, goesBack: false, reached: { found, begun: ids, settings: plainSettings } }),
  });
  await answerUntil(run, 'go-offline');
  await run.decide('go-offline', 'go');
  await answer(run, 'host-ahead', 'continue');
  await answer(run, 'final', 'go');
  await run.result();
  return run;
}

/** A migration whose copy somebody does not trust. */
export async function migrateBackFromVerification(driver: Driver): Promise<DrivenRun> {
  const run = await start(driver, { 'copy-data': answers('copyData') });
  await answerUntil(run, 'verification');
  await run.decide('verification', 'no-go', 'ben', 'the digest list looks short');
  await run.result();
  return run;
}

/** A migration that is left before the switch, and whose old volume does not start. */
export async function migrateBackByBackup(driver: Driver): Promise<DrivenRun> {
  const script = { 'copy-data': answers('copyData'), 'undo stop-database': inTurn(fails('the old database does not start'), answers('restoreFinalBackup')) };
  const run = await start(driver, script);
  await answerUntil(run, 'verification');
  await run.decide('verification', 'no-go', 'ben', 'the disk makes noises');
  await run.asked('stop-database.failed.1');
  await run.decide('stop-database.failed.1', 'restore-backup', 'ben', 'the old volume is broken');
  await run.result();
  return run;
}

const past: Behaviour = () => Promise.resolve({ toUndo: ['disable-restart', 'start-application'], usersMayWriteSince: '2026-11-01T20:01:37.000Z' });

/** A migration that users have written on, and that is left at the last gate, with what they wrote. */
export async function migrateAndCarryOver(driver: Driver): Promise<DrivenRun> {
  const run = await start(driver, { 'copy-data': answers('copyData'), beginWayBack: past, 'carry-over-verify': inTurn(fails('the copy differs'), answers('verifyCopyBack')) });
  await answerUntil(run, 'final');
  await run.decide('final', 'no-go', 'ben', 'too slow');
  await answer(run, 'past-the-point-of-no-return', 'carry-over');
  await answer(run, 'carry-over-verify.failed.1', 'retry');
  await run.result();
  return run;
}

/** The way back from a migration that has ended. */
export async function goBackLater(driver: Driver): Promise<DrivenRun> {
  const run = await startRollback(driver);
  await run.asked('roll-back');
  await run.decide('roll-back', 'go', 'ben', 'too slow');
  await answer(run, 'past-the-point-of-no-return', 'carry-over');
  await run.result();
  return run;
}

/** A way back that somebody thinks better of. */
export async function stayAfterAll(driver: Driver): Promise<DrivenRun> {
  const run = await startRollback(driver);
  await run.asked('roll-back');
  await run.decide('roll-back', 'no-go', 'ben', 'it was the network');
  await run.result();
  return run;
}

/** A way back of which a step failed. */
export async function goBackParked(driver: Driver): Promise<DrivenRun> {
  const run = await startRollback(driver, { 'carry-over-copy': fails('the disk is full') });
  await run.asked('roll-back');
  await run.decide('roll-back', 'go', 'ben', 'too slow');
  await answer(run, 'past-the-point-of-no-return', 'carry-over');
  await run.asked('carry-over-copy.failed.1');
  return run;
}

function startRollback(driver: Driver, script: Script = {}): Promise<DrivenRun> {
  const nodes = ['disable-restart', 'stop-application', 'start-application'];
  const adopted = { runbook: 'migrate', runId: 'migrate-1', startedAt: '2026-11-01T19:00:00.000Z', state: 'succeeded', nodes, toUndo: nodes };
  return driver.start('rollback', {
    openRun: (_, args) => Promise.resolve(opened({ nodes: (args as { nodes: string[] }).nodes, adopted })),
    beginWayBack: past,
    ...script,
  });
}

/** The plaintext copies go, after a removal that failed once. */
export async function decommissionThrough(driver: Driver): Promise<DrivenRun> {
  const run = await driver.start('decommissionPlaintext', { 'remove-plaintext': inTurn(fails('a file is immutable'), answers('removePlaintextCopies')) });
  await run.asked('remove-plaintext-gate');
  await run.decide('remove-plaintext-gate', 'go', 'ben', 'thirty days are over');
  await answer(run, 'remove-plaintext.failed.1', 'retry');
  await run.result();
  return run;
}

/** The copies stay: that is as far back as this runbook goes. */
export async function decommissionNot(driver: Driver): Promise<DrivenRun> {
  const run = await driver.start('decommissionPlaintext');
  await run.asked('remove-plaintext-gate');
  await run.decide('remove-plaintext-gate', 'no-go', 'ben', 'wait for the audit');
  await run.result();
  return run;
}

/** A removal that failed half-way, from which there is no way back. */
export async function decommissionParked(driver: Driver): Promise<DrivenRun> {
  const run = await driver.start('decommissionPlaintext', { 'remove-plaintext': fails('a file is immutable') });
  await run.asked('remove-plaintext-gate');
  await run.decide('remove-plaintext-gate', 'go', 'ben', 'thirty days are over');
  await run.asked('remove-plaintext.failed.1');
  return run;
}

function start(driver: Driver, script: Script): Promise<DrivenRun> {
  return driver.start('migrate', {
    openRun: openedWith({ testAccount: true, filesystemCopy: true }),
    'format-volume': inTurn(needsSecret('operationalPassphrase'), answers('formatVolume')),
    ...script,
  });
}

async function answer(run: DrivenRun, question: string, choice: string): Promise<void> {
  await run.asked(question);
  await run.decide(question, choice);
}

/** Answers what opens on the way to a question, where no step fails. */
async function answerUntil(run: DrivenRun, last: string): Promise<void> {
  for (const [question, choice] of questions) {
    if (question === last) break;
    if (question !== 'copy-data.failed.1') await answer(run, question, choice);
  }
  await run.asked(last);
}
