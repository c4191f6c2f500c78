import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { addDecideCommands } from '../../../src/cli/decide.js';
import { explainEnd } from '../../../src/cli/exit.js';
import { addRollbackCommand } from '../../../src/cli/rollback.js';
import { createTheme } from '../../../src/cli/present/theme.js';
import type { Session } from '../../../src/cli/session.js';
import { signalNames } from '../../../src/contract/names.js';
import { createDriver, type DrivenRun, type Driver } from '../engine/driver.js';
import { fails, inTurn, succeeds } from '../engine/fakeHost.js';

let driver: Driver;
let directory: string;
let session: Session;
let said: string[];

beforeAll(async () => {
  driver = await createDriver('real');
  directory = await mkdtemp(join(tmpdir(), 'lockstep-answering-'));
  const temporalConfigFile = join(directory, 'temporal.toml');
  await writeFile(temporalConfigFile, `[profile.default]\naddress = "127.0.0.1:${inject('temporalPort')}"\nnamespace = "${driver.environment.namespace}"\n`);
  const say = (...lines: readonly string[]) => void said.push(...lines);
  session = {
    environment: { configPath: '', cacheDirectory: directory, color: false, ci: true, notifies: false, person: 'ann', temporalConfigFile },
    terminal: { width: () => 80, height: () => undefined, interactive: false, theme: createTheme(false), print: say, warn: say },
  };
});
afterAll(async () => {
  await driver.stop();
  await rm(directory, { recursive: true });
});

/** Types a command about a run, as a person or a script would. */
async function type(run: DrivenRun, ...words: readonly string[]): Promise<{ readonly exitCode: number; readonly words: string }> {
  said = [];
  const program = new Command('lockstep').exitOverride();
  addDecideCommands(program, session);
  addRollbackCommand(program, session);
  try {
    await program.parseAsync([...words, '--host', 'host', '--run', run.handle.workflowId], { from: 'user' });
    return { exitCode: 0, words: said.join('\n') };
  } catch (error) {
    const end = explainEnd(error);
    return { exitCode: end.exitCode, words: end.words ?? '' };
  }
}


test('retry answers the failure that it names; late and doubled, it leaves the next one alone', async () => {
  const run = await driver.start('steps', { measure: inTurn(fails, fails, succeeds) });
  await run.asked('measure.failed.1');
  expect(await type(run, 'retry', 'measure.failed.1')).toEqual({ exitCode: 0, words: '"retry" for measure.failed.1 by ann counted' });
  await run.asked('measure.failed.2');
  expect(await type(run, 'retry', 'measure.failed.1')).toMatchObject({ exitCode: 3, words: 'question measure.failed.1 is not open; open are: measure.failed.2' });
  // The same by a plain signal, doubled.
  await run.decide('measure.failed.1', 'retry');
  await run.decide('measure.failed.1', 'retry');
  await expect.poll(run.outcomes).toEqual(['counted', 'not open any more', 'not open any more']);
  expect((await run.status()).questions.map(({ id }) => id)).toEqual(['measure.failed.2']);
  expect(await type(run, 'retry', 'measure.failed.2')).toMatchObject({ exitCode: 0 });
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
});

test('without a terminal an answer that names no question is not sent: it could meet the next failure', async () => {
  const run = await driver.start('steps', { measure: inTurn(fails, succeeds) });
  await run.asked('measure.failed.1');
  expect(await type(run, 'retry')).toMatchObject({ exitCode: 2, words: expect.stringMatching(/name the question.*lockstep retry measure\.failed\.1/) as string });
  expect(await run.outcomes()).toEqual([]);
  await run.decide('measure.failed.1', 'retry');
  await run.result();
});

test('skip needs a step that may be left out, and a reason; who skipped is told', async () => {
  const run = await driver.start('steps', { measure: inTurn(fails, succeeds), compare: fails });
  await run.asked('measure.failed.1');
  expect(await type(run, 'skip', 'measure.failed.1', '--reason', 'no need')).toMatchObject({ exitCode: 3, words: '"skip" for measure.failed.1 did not count: not a choice; the choices are retry, rollback' });
  await run.decide('measure.failed.1', 'retry');
  await run.asked('compare.failed.1');
  expect(await type(run, 'skip', 'compare.failed.1')).toMatchObject({ exitCode: 3, words: '"skip" needs a reason; add --reason "…"' });
  expect(await type(run, 'skip', 'compare.failed.1', '--reason', 'no account', '--by', 'ben')).toMatchObject({ exitCode: 0 });
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(await run.node('compare')).toMatchObject({ state: 'skipped', note: 'skipped by ben: no account' });
  expect(await type(run, 'skip', 'compare.failed.1', '--reason', 'again')).toMatchObject({ exitCode: 3, words: expect.stringContaining('has ended') as string });
});

test('rollback answers a failure, once; doubled by whatever way it ends no undo', async () => {
  const run = await driver.start('steps', { compare: fails, 'undo copy': inTurn(fails, succeeds) });
  await run.asked('compare.failed.1');
  expect(await type(run, 'decide', 'compare.failed.1', 'rollback', '--reason', 'another day')).toMatchObject({ exitCode: 0 });
  await run.asked('copy.failed.1');
  expect(await type(run, 'decide', 'compare.failed.1', 'rollback', '--reason', 'another day')).toMatchObject({ exitCode: 3 });
  expect(await type(run, 'rollback', '--reason', 'another day')).toMatchObject({ exitCode: 3, words: expect.stringContaining('it goes back already') as string });
  await run.handle.signal(signalNames.rollback, { by: 'ben', reason: 'another day' });
  await run.decide('compare.failed.1', 'rollback', 'ben', 'another day');
  await expect.poll(run.outcomes).toEqual(['counted', 'not open any more', 'not open any more', 'not open any more']);
  expect((await run.status()).questions.map(({ id }) => id)).toEqual(['copy.failed.1']);
  await run.decide('copy.failed.1', 'retry');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back' });
  expect(run.done().filter((what) => what.startsWith('undo'))).toEqual(['undo compare', 'undo copy', 'undo copy', 'undo prepare']);
});

test('the command rollback leaves the way forward while a step runs or has failed', async () => {
  const run = await driver.start('steps', { measure: fails });
  await run.asked('measure.failed.1');
  expect(await type(run, 'rollback', '--reason', 'window is over')).toMatchObject({ exitCode: 0 });
  await expect(run.result()).resolves.toEqual({ state: 'rolled back', outcome: 'rollback asked for by ann: window is over' });
});
