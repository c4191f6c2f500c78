import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Option, type Command } from 'commander';
import { secretSocketPath } from '../activities/index.js';
import { passphrasePolicyOf } from '../config/passphrasePolicy.js';
import { passphraseDelayPhase } from '../contract/names.js';
import type { OpenQuestion } from '../contract/questions.js';
import { judgeNewPassphrase } from '../host/passphrases/passphraseStrength.js';
import { askSecret, nameOf } from './askSecret.js';
import { noAnswer, refused, wrongUsage } from './exit.js';
import { observe } from './observe.js';
import { wrapText } from './present/text.js';
import { askFromShares, askFromSheet } from './passphrases/askFromPaper.js';
import { readPipedSecret } from './readSecretLine.js';
import { runOption } from './runbooks.js';
import { findRun, type RunReference } from './runs.js';
import { giveSecret } from './secretClient.js';
import { flagsFor, loadSessionConfig, withHostOptions, withServer, type HostOptions, type Session } from './session.js';
import { readTypist } from './typist.js';

interface UnlockOptions extends HostOptions {
  readonly fromSheet?: true;
  readonly fromShares?: true;
  readonly run?: string;
}

/** Adds `unlock`: types the secrets that a run waits for, on the host itself. */
export function addUnlockCommand(program: Command, session: Session): void {
  withHostOptions(program.command('unlock [question]'))
    .description("type the passphrase that the open run waits for, without echo (on the host, as root; from a pipe it takes the first line)")
    .addOption(runOption())
    .option('--from-sheet', 'type the recovery passphrase line by line from its sheet: each line is checked')
    .addOption(new Option('--from-shares', 'join it from the shares of several holders').conflicts('fromSheet'))
    .action((question: string | undefined, options: UnlockOptions) => unlock(session, question, options));
}

async function unlock(session: Session, named: string | undefined, options: UnlockOptions): Promise<void> {
  const { config, path: configPath } = await loadSessionConfig(session, options);
  // Commands that are shown elsewhere carry it along.
  if (options.host !== undefined && options.host !== config.host) {
    throw wrongUsage(`this host is ${config.host} (${configPath}), not ${options.host}; type the passphrase on ${options.host} itself`);
  }
  const paperOption = options.fromSheet === true ? '--from-sheet' : options.fromShares === true ? '--from-shares' : undefined;
  if (paperOption !== undefined && !process.stdin.isTTY) {
    throw wrongUsage(`${paperOption} asks for one line after another, and standard input is no terminal: leave it out to give the passphrase itself by a pipe`);
  }
  const flags = flagsFor(options);
  const path = secretSocketPath(config);
  await withServer(session, async ({ client }) => {
    const run = await findRun(client, config.host, options.run, { flags });
    const first = chooseSecret(await openQuestions(client, run), named, config.volume.name);
    if (!process.stdin.isTTY) {
      const value = await readPipedSecret(process.stdin);
      if (first.isNewSecret === true) {
        const { refusal } = await judgeNewPassphrase(value, passphrasePolicyOf(config));
        if (refusal !== undefined) throw refused(`the ${nameOf(first)} was not sent: ${refusal}`);
      }
      await give(session, path, { run, question: first }, value);
      session.terminal.print(await explainEffect(client, run, first));
      return;
    }
    const paper = await readPaper(session, options);
    if (paper !== undefined) {
      await give(session, path, { run, question: first }, paper);
      session.terminal.print(await explainEffect(client, run, first));
      return;
    }
    // As long as the run asks for secrets: a wrong one again, or the next step's own.
    for (let question: OpenQuestion | undefined = first; question !== undefined; ) {
      session.terminal.print(...wrapText(question.title, session.terminal.width()));
      await give(session, path, { run, question }, await askSecret(session.terminal, question, passphrasePolicyOf(config)));
      question = await nextSecret(client, run, question);
    }
    session.terminal.print(`Taken; the run goes on. Look on with "lockstep watch${flags}"`);
  });
}

/** What several people type from paper; the question stays open meanwhile. */
async function readPaper({ terminal }: Session, { fromSheet, fromShares }: UnlockOptions): Promise<string | undefined> {
  if (fromSheet === true) return askFromSheet(terminal);
  return fromShares === true ? askFromShares(terminal) : undefined;
}

async function openQuestions(client: Client, run: RunReference): Promise<readonly OpenQuestion[]> {
  const { status } = await observe(client, run);
  if (status === undefined) throw noAnswer(`no worker on ${run.host} answers; start it first, secrets live in its memory alone`);
  return status.questions;
}

/** @param volume - Its name: where that is closed, and nothing asked for, nobody has begun to start up. */
function chooseSecret(open: readonly OpenQuestion[], named: string | undefined, volume: string): OpenQuestion {
  const secrets = open.filter(({ kind, id, secret }) => kind === 'secret' && (named === undefined || id === named || secret === named));
  const [first] = secrets;
  if (first !== undefined) return first;
  const isClosed = !existsSync(join('/dev/mapper', volume));
  throw refused(`${named === undefined ? 'no secret is asked for' : `${named} is not asked for`}${isClosed ? `, and ${volume} is closed: "lockstep start startup" opens it, and asks for the passphrase` : ''}`);
}

/** Hands over what was typed, under the name of the person at the terminal. */
async function give({ environment }: Session, path: string, { run, question }: { readonly run: RunReference; readonly question: OpenQuestion }, value: string): Promise<void> {
  await giveSecret(path, { question: question.id, secret: question.secret ?? '', value, workflowId: run.workflowId, ...(await readTypist(environment)) });
}

/** Deriving a key with argon2id takes seconds; a step that took its secret shows it by going on. */
const patienceSeconds = 15;

/** The secret that is asked for after this one, if any is within the time that a step needs to try it. */
async function nextSecret(client: Client, run: RunReference, given: OpenQuestion): Promise<OpenQuestion | undefined> {
  for (let waitedSeconds = 0; waitedSeconds < patienceSeconds; waitedSeconds += 0.5) {
    await sleep(500);
    const { status, execution, running } = await observe(client, run);
    if (running?.progress?.phase === passphraseDelayPhase) waitedSeconds = 0;
    const next = status?.questions.find(({ kind, id }) => kind === 'secret' && id !== given.id);
    if (next !== undefined) return next;
    const node = status?.nodes.find(({ id }) => id === given.node);
    if (execution !== 'RUNNING' || (node !== undefined && node.state !== 'running' && node.state !== 'undoing')) return undefined;
  }
  return undefined;
}

async function explainEffect(client: Client, run: RunReference, given: OpenQuestion): Promise<string> {
  const next = await nextSecret(client, run, given);
  if (next?.secret === given.secret && next?.node === given.node) throw refused(`the ${nameOf(given)} was not taken: ${next.title}`);
  return `the ${nameOf(given)} was taken${next === undefined ? '' : `; next, the ${nameOf(next)} is asked for: ${next.title}`}`;
}
