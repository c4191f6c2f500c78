import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ApplicationFailure } from '@temporalio/common';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest';
import { createSecretVault } from '../../../src/activities/index.js';
import { explainEnd } from '../../../src/cli/exit.js';
import { plainTheme } from '../../../src/cli/present/theme.js';
import type { Session } from '../../../src/cli/session.js';
import { addUnlockCommand } from '../../../src/cli/unlock.js';
import { failureTypes } from '../../../src/contract/errors.js';
import { listenForSecrets } from '../../../src/worker/secretSocket.js';
import { assertRoot } from '../../unit/needsRoot.js';
import { createDriver, type DrivenRun, type Driver } from '../engine/driver.js';
import { inTurn, succeeds, type Behaviour } from '../engine/fakeHost.js';

const asked = vi.hoisted((): { messages: string[]; answers: string[] } => ({ messages: [], answers: [] }));
vi.mock('@inquirer/prompts', () => ({
  password: ({ message }: { readonly message: string }) => {
    asked.messages.push(message);
    return Promise.resolve(asked.answers.shift() ?? '');
  },
  select: ({ message }: { readonly message: string }) => {
    asked.messages.push(message);
    return Promise.resolve('type');
  },
}));

const strong = 'footgear debit deskwork civil hug crafter rule zero';
const vault = createSecretVault(60_000);
const stdin = process.stdin;
let driver: Driver;
let directory: string;
let session: Session;
let said: string[];
let run: DrivenRun;
let close: () => Promise<void>;

beforeAll(async () => {
  assertRoot('lockstep.yaml belongs to root');
  driver = await createDriver('real');
  directory = await mkdtemp(join(tmpdir(), 'lockstep-sitting-'));
  const temporalConfigFile = join(directory, 'temporal.toml');
  await writeFile(temporalConfigFile, `[profile.default]\naddress = "127.0.0.1:${inject('temporalPort')}"\nnamespace = "${driver.environment.namespace}"\n`);
  const configPath = join(directory, 'lockstep.yaml');
  await writeFile(configPath, `host: host\nstateDirectory: ${directory}\n`, { mode: 0o640 });
  const say = (...lines: readonly string[]) => void said.push(...lines);
  session = {
    environment: { configPath, cacheDirectory: directory, color: false, ci: true, notifies: false, person: 'ann', sshFrom: '192.0.2.7', temporalConfigFile },
    terminal: { width: () => 80, height: () => undefined, interactive: true, theme: plainTheme, print: say, warn: say },
  };
  ({ close } = await listenForSecrets({ path: join(directory, 'secrets.sock'), vault, assertMayTake: () => Promise.resolve(), onGiven: (question, by) => run.decide(question, 'provided', by) }));
});
afterEach(() => {
  Object.defineProperty(process, 'stdin', { value: stdin });
  vault.forgetAll();
});
afterAll(async () => {
  await close();
  await driver.stop();
  await rm(directory, { recursive: true });
});

const needs = (secret: string, isNew: boolean): Behaviour => () => Promise.reject(ApplicationFailure.nonRetryable(`the ${secret}`, failureTypes.secretNeeded, secret, isNew));

async function begin(...behaviours: readonly Behaviour[]): Promise<void> {
  run = await driver.start('steps', { prepare: inTurn(...behaviours, succeeds) });
  await run.asked('prepare.secret.1');
}

async function unlock(input: object): Promise<{ readonly exitCode: number; readonly words: string }> {
  said = [];
  Object.defineProperty(process, 'stdin', { value: input, configurable: true });
  const program = new Command('lockstep').exitOverride();
  addUnlockCommand(program, session);
  try {
    await program.parseAsync(['unlock', '--run', run.handle.workflowId], { from: 'user' });
    return { exitCode: 0, words: said.join('\n') };
  } catch (error) {
    const { exitCode, words = '' } = explainEnd(error);
    return { exitCode, words };
  }
}

test('two secrets that two questions ask for are typed in one sitting', async () => {
  await begin(needs('operationalPassphrase', false), needs('newRecoveryPassphrase', true));
  asked.answers = ['one', strong, 'slip', strong, strong];
  const end = await unlock({ isTTY: true });
  expect(end).toEqual({
    exitCode: 0,
    words: [
      'the operationalPassphrase',
      'the newRecoveryPassphrase',
      'The two are not the same; please type both again.',
      'For the safe: "lockstep recovery-sheet" makes a sheet of it to print, "lockstep',
      'split-recovery" shares for several holders.',
      'Taken; the run goes on. Look on with "lockstep watch"',
    ].join('\n'),
  });
  expect(asked.messages).toEqual([
    'operational passphrase:',
    ...['A new recovery passphrase:', 'recovery passphrase (new):', 'once more, to be sure:'],
    ...['A new recovery passphrase:', 'recovery passphrase (new):', 'once more, to be sure:'],
  ]);
  expect(vault.get('operationalPassphrase')).toEqual({ value: Buffer.from('one'), question: 'prepare.secret.1', by: 'ann', from: '192.0.2.7' });
  expect(vault.get('newRecoveryPassphrase')).toEqual({ value: Buffer.from(strong), question: 'prepare.secret.2', by: 'ann', from: '192.0.2.7' });
  await run.result();
  expect(await run.outcomes()).toEqual(['counted', 'counted']);
});

test('a pipe gives its first line byte for byte, or is refused with the reason and changes nothing', async () => {
  await begin(needs('operationalPassphrase', false));
  for (const [given, reason] of [
    ['correct horse\r\n', 'it has a carriage return in it, which nobody can type at a prompt'],
    ['\n', 'it is empty'],
    [`${'x'.repeat(513)}\n`, 'it is 513 bytes long (limit 512)'],
    [Buffer.of(0xff, 0x0a), 'it is not written in UTF-8'],
  ] as const) {
    expect(await unlock(Readable.from([Buffer.from(given)]))).toEqual({ exitCode: 2, words: `the first line of standard input is no secret: ${reason}` });
  }
  expect(vault.get('operationalPassphrase')).toBeUndefined();
  const bytes = Buffer.from(' "ü" ');
  expect(await unlock(Readable.from([bytes, Buffer.from('\nmore\n')]))).toEqual({ exitCode: 0, words: 'the operational passphrase was taken' });
  expect(vault.get('operationalPassphrase')?.value).toEqual(Buffer.from(' "ü" '));
});

test('a new one that is too weak is not sent from a pipe', async () => {
  await begin(needs('recoveryPassphrase', true));
  const { exitCode, words } = await unlock(Readable.from([Buffer.from(`${'a'.repeat(25)}\n`)]));
  expect(exitCode).toBe(3);
  expect(words).toMatch(/^the recovery passphrase was not sent: the passphrase is worth about 8 bits/);
  expect(vault.get('recoveryPassphrase')).toBeUndefined();
  expect(await unlock(Readable.from([Buffer.from(`${strong}\n`)]))).toEqual({ exitCode: 0, words: 'the recovery passphrase was taken' });
});
