import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { createLogUpdate } from 'log-update';
import { secretSocketPath } from '../activities/index.js';
import { passphrasePolicyOf } from '../config/passphrasePolicy.js';
import { formatSeconds } from '../contract/facts.js';
import type { RunStatus } from '../contract/status.js';
import { isNoAnswer } from '../worker/serverErrors.js';
import { answerQuestion, type AnswerContext } from './answer.js';
import { createAnswerFlags } from './answerFlags.js';
import { CommandEnded, exitCodes } from './exit.js';
import { observe, type Observation } from './observe.js';
import { renderChildren } from './present/childLines.js';
import { renderCompact } from './present/compactLines.js';
import { describeChanges, describeRetry, describeTurn } from './present/eventLines.js';
import { explainLeft, wasLeft } from './present/leftLines.js';
import { renderQuestion } from './present/questionLines.js';
import { renderSummary } from './present/summaryLines.js';
import { peopleForView } from './people.js';
import { takeInput } from './quietInput.js';
import { isOver, renderStatus, type RunningStep, type StatusView } from './present/statusLines.js';
import { findRecord } from './record.js';
import { runFlag, withRunbookArgument } from './runbooks.js';
import { findRun, nameAmongOpen, type RunReference } from './runs.js';
import { flagsFor, loadSessionConfig, resolveHost, withHostOptions, withServer, type HostOptions, type Session } from './session.js';
import { assertSpoken } from './spoken.js';

/** Adds `watch`: shows a run as it goes, and asks its questions at a terminal. */
export function addWatchCommand(program: Command, session: Session): void {
  withHostOptions(withRunbookArgument(program.command('watch'), '[runbook]').description('look on while a run goes, and answer its questions'))
    .option('--no-ask', 'only look on')
    .option('--by <name>', 'who answers, as claimed (default: you)')
    .action(async (runbook: string | undefined, options: WatchOptions) => {
      assertSpoken(options.by === undefined ? {} : { by: options.by });
      const host = await resolveHost(session, options);
      await withServer(session, async ({ client }) => {
        const run = await findRun(client, host, runbook, { naming: (name) => `lockstep watch ${name}${flagsFor(options)}`, flags: flagsFor(options) });
        await watch(session, client, run, options);
      });
    });
}

/** Options of a watch. */
export interface WatchOptions extends HostOptions {
  /** Default true: ask the run's questions where a person sits at the terminal. */
  readonly ask?: boolean;
  /** Who answers, as claimed; default the person at the terminal. */
  readonly by?: string;
}

/**
 * Looks on until the run has ended, whatever becomes of server and worker meanwhile, and then prints
 * its summary.
 *
 * @throws CommandEnded where the run came to another end than success.
 */
export async function watch(session: Session, client: Client, run: RunReference, options: WatchOptions): Promise<void> {
  const ended = session.terminal.interactive
    ? await watchLive(session, client, run, options)
    : await watchLines(session, client, run, options);
  const record = await findRecord(session, options, run);
  session.terminal.print('', ...renderSummary(ended, { ...session.terminal, width: session.terminal.width(), ...(record === undefined ? {} : { record }) }));
  if (ended.state !== 'succeeded') throw new CommandEnded(exitCodes.failed, `${run.workflowId} ${ended.state}`);
}

const intervalSeconds = 1;

/** What is seen at one moment; `awaySeconds` while the server does not answer. */
interface Sight {
  readonly seen?: Observation;
  readonly awaySeconds?: number;
}

async function* lookOn(client: Client, run: RunReference): AsyncGenerator<Sight> {
  let answeredAt = Date.now();
  let seen: Observation | undefined;
  for (;;) {
    try {
      seen = await observe(client, run, seen);
      answeredAt = Date.now();
      yield { seen };
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      yield { awaySeconds: (Date.now() - answeredAt) / 1000 };
    }
    await sleep(intervalSeconds * 1000);
  }
}

/** One line for each thing that happened: for logs, pipes and people who scroll. */
async function watchLines({ terminal }: Session, client: Client, run: RunReference, options: HostOptions): Promise<RunStatus> {
  let before: RunStatus | undefined;
  let running: RunningStep | undefined;
  let told = '';
  const flagsAt = createAnswerFlags(async () => `${runFlag(await nameAmongOpen(client, run))}${flagsFor(options)}`);
  const tellOnce = (words: string): void => {
    if (words !== told) terminal.warn(words);
    told = words;
  };
  for await (const { seen } of lookOn(client, run)) {
    if (seen === undefined) {
      tellOnce('the Temporal server does not answer; trying again');
    } else if (seen.status === undefined) {
      assertRunning(seen, run, options);
      tellOnce(`the worker on ${run.host} does not answer: it is down, or the host is busy; waiting for it`);
    } else {
      told = '';
      terminal.print(...describeChanges(before, seen.status, await flagsAt(seen.status)));
      if (seen.running !== undefined) terminal.print(...describeRetry(running, seen.running, new Date()), ...describeTurn(running, seen.running, new Date()));
      before = seen.status;
      running = seen.running;
      if (isOver(seen.status)) return seen.status;
      assertRunning(seen, run, options);
    }
  }
  throw new Error('the run is watched until it ends');
}

/** The whole run, drawn anew each second; questions are asked below it. */
async function watchLive(session: Session, client: Client, run: RunReference, options: WatchOptions): Promise<RunStatus> {
  const { terminal } = session;
  const draw = createLogUpdate(process.stdout);
  const input = takeInput();
  const leftOpen = new Set<string>();
  const secrets = await findSecretWay(session, options);
  const people = await peopleForView(session, options);
  const flagsAt = createAnswerFlags(async () => `${runFlag(await nameAmongOpen(client, run))}${flagsFor(options)}`);
  let children = '';
  let last: Observation | undefined;
  try {
    for await (const { seen, awaySeconds } of lookOn(client, run)) {
      const silence = explainSilence(run, { seen, last, awaySeconds });
      if (seen !== undefined && silence === undefined) last = seen;
      const view = { flags: await flagsAt(last?.status), ...people };
      const lines = last === undefined ? [] : renderSeen(session, run, last, view);
      draw([...lines, ...(silence === undefined ? [] : ['', terminal.theme.warning(silence)])].join('\n'));
      if (seen === undefined) continue;
      if (seen.status !== undefined && isOver(seen.status)) return seen.status;
      assertRunning(seen, run, options);
      const question = options.ask === false ? undefined : seen.status?.questions.find(({ id }) => !leftOpen.has(id));
      if (question === undefined) continue;
      draw.clear();
      // What is drawn above is not seen while a question stands there.
      const begun = seen.status === undefined ? [] : renderChildren(seen.status, terminal.width());
      if (begun.length > 0 && begun.join() !== children) terminal.print(...begun, '');
      children = begun.join();
      terminal.print(...renderQuestion(question, { width: terminal.width(), now: new Date(), theme: terminal.theme, ...view }));
      const context = { session, client, run, by: options.by ?? session.environment.person, flags: flagsFor(options), ...(secrets === undefined ? {} : { secrets }) };
      if ((await input.during(() => answerQuestion(context, question))) === 'left open') leftOpen.add(question.id);
      terminal.print('');
    }
  } finally {
    draw.done();
    input.close();
  }
  throw new Error('the run is watched until it ends');
}

/** Room for the cursor's row and for the words that are added while nobody answers. */
const rowsBelow = 3;

/** Why what is shown is not what is; undefined where it is. */
function explainSilence(
  run: RunReference,
  { seen, last, awaySeconds = 0 }: { seen: Observation | undefined; last: Observation | undefined; awaySeconds: number | undefined },
): string | undefined {
  if (seen === undefined) return `The Temporal server does not answer, for ${formatSeconds(awaySeconds)} now; trying again`;
  if (seen.status === undefined && last?.status !== undefined) return `No worker on ${run.host} answers; this is what it said last`;
  return undefined;
}

function renderSeen({ terminal }: Session, run: RunReference, { status, compact, running }: Observation, view: Pick<StatusView, 'flags' | 'people'>): string[] {
  const { theme } = terminal;
  const width = terminal.width();
  if (status !== undefined) {
    const height = terminal.height();
    return renderStatus(status, {
      width,
      theme,
      now: new Date(),
      ...view,
      ...(height === undefined ? {} : { height: height - rowsBelow }),
      ...(running === undefined ? {} : { running }),
    });
  }
  if (compact !== undefined) return renderCompact(compact, { runbook: run.runbook, host: run.host, width, theme, ...(view.flags === undefined ? {} : { flags: view.flags }) });
  return [`${run.workflowId}: no worker on ${run.host} has taken it up yet`];
}

/** A run that was terminated, or failed before it claimed its host, never says so itself. */
function assertRunning({ execution, status }: Observation, run: RunReference, options: HostOptions): void {
  if (execution === 'RUNNING' || (status !== undefined && isOver(status))) return;
  if (execution === 'COMPLETED') {
    throw new CommandEnded(exitCodes.ok, `${run.workflowId} has ended; no worker on ${run.host} answers to tell more of it`);
  }
  if (wasLeft(execution, status)) throw new CommandEnded(exitCodes.failed, explainLeft(execution, run, flagsFor(options)));
  throw new CommandEnded(exitCodes.failed, `${run.workflowId} ${execution.toLowerCase().replaceAll('_', ' ')}; what it left on the host is in its journal there`);
}

/** Known on the host itself alone; elsewhere secrets cannot be typed. */
async function findSecretWay(session: Session, options: HostOptions): Promise<AnswerContext['secrets']> {
  if (options.host !== undefined && options.config === undefined) return undefined;
  const { config } = await loadSessionConfig(session, options);
  return { socketPath: secretSocketPath(config), policy: passphrasePolicyOf(config) };
}
