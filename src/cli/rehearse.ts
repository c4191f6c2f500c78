import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { WorkflowHandle } from '@temporalio/client';
import { createRun } from '../host/processes/runner.js';
import { answerUntilEnd } from '../rehearsal/answers.js';
import { isIntact, type ClientVerdict } from '../rehearsal/clientVerdict.js';
import { hostFiles, rehearsalHost } from '../rehearsal/hostConfig.js';
import { preparedHost } from '../rehearsal/preparedHost.js';
import { openRehearsal, type Rehearsal, type ServerPlace } from '../rehearsal/rehearsal.js';
import { CommandEnded, exitCodes, wrongUsage } from './exit.js';
import { createPowerCut, type PowerCut } from './powerCut.js';
import { renderVerdict } from './present/verdictLines.js';
import type { Activities } from '../activities/index.js';
import type { Runbook } from '../workflows/engine/nodes.js';
import { beginRehearsed, followRehearsed, tellPassphrases } from './rehearsalCourse.js';
import { runbookNamed, withRunbookArgument } from './runbooks.js';
import type { Session } from './session.js';
import { readSize } from './size.js';
import { stopSignal } from './stopSignal.js';
import { watch } from './watch.js';

const secondsPerDay = 86_400;

interface RehearseOptions {
  readonly keep?: boolean;
  readonly size?: string;
  readonly yes?: boolean;
  readonly record?: string;
  readonly powerCutAt?: string;
  readonly server: ServerPlace;
}

/** Adds `rehearse`: a runbook on a disposable host with real LUKS, Docker and PostgreSQL. */
export function addRehearseCommand(program: Command, session: Session): void {
  withRunbookArgument(program.command('rehearse'), '[runbook]')
    .description('run a runbook for real on a disposable host, with users writing meanwhile (default: migrate; before any other the host is migrated)')
    .option('--yes', 'go at every gate, and type the secrets through the same socket as a person')
    .option('--size <size>', 'how large the database shall be, for example 2G (default: 5,000 operations)')
    .option('--keep', 'leave the host running at the end, and tell how to enter it')
    .option('--record <file>', 'save the run record there, as JSON')
    .option('--power-cut-at <step>', 'with --yes: cut the power of the host when this step runs, and boot it again')
    .addOption(new Option('--server <place>', 'where the Temporal server runs').choices(['inside', 'outside']).default('outside'))
    .action((runbook: string | undefined, options: RehearseOptions) => rehearse(session, runbook ?? 'migrate', options));
}

async function rehearse(session: Session, name: string, options: RehearseOptions): Promise<void> {
  const { terminal, environment } = session;
  const runbook = runbookNamed(name);
  const steps = runbook.sections.flatMap(({ nodes }) => nodes.map(({ id }) => id));
  if (options.powerCutAt !== undefined && !steps.includes(options.powerCutAt)) {
    throw wrongUsage(`${name} has no step "${options.powerCutAt}"; it has ${steps.join(', ')}`);
  }
  if (options.size !== undefined) readSize(options.size);
  if (options.powerCutAt !== undefined && options.yes !== true) throw wrongUsage('--power-cut-at needs --yes: nobody could type while the host is off');
  if (options.record !== undefined && !existsSync(dirname(resolve(options.record)))) {
    throw wrongUsage(`--record ${options.record}: there is no folder ${dirname(resolve(options.record))}; make it first`);
  }
  if (options.yes !== true && !terminal.interactive) {
    throw wrongUsage('nobody sits at this terminal to answer the questions; say --yes to go at every gate');
  }
  const run = createRun();
  const began = Date.now();
  const onProgress = (stage: string): void => terminal.warn(terminal.theme.dim(`${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s  ${stage}`));
  const { cacheDirectory } = environment;
  const image = await preparedHost({ run, cacheDirectory, onProgress, ...(options.size === undefined ? {} : { size: options.size }) });
  const rehearsal = await openRehearsal({
    ...{ run, image, cacheDirectory, onProgress, name: 'rehearsal', server: options.server },
    directory: join(cacheDirectory, 'guest-run', 'rehearsal'),
    times: { firstHourSeconds: 4, daySeconds: 2 },
    // Nobody waits a month for a rehearsal.
    config: { decommission: { retentionDays: 1 / secondsPerDay } },
  });
  const stopped = stopSignal({ hangUp: true });
  const interrupted = new Promise<never>((_, reject) => {
    stopped.addEventListener('abort', () => reject(new CommandEnded(exitCodes.failed, 'interrupted; the host was thrown away')), { once: true });
  });
  // After the end nobody waits for it any more.
  void interrupted.catch(() => undefined);
  try {
    try {
      await Promise.race([perform(session, rehearsal, runbook, options, onProgress), interrupted]);
    } catch (error) {
      if (options.keep !== true || stopped.aborted) throw error;
      // What went wrong is what a person keeps a host for.
      terminal.warn(`lockstep: ${error instanceof Error ? error.message : String(error)}`);
      await keep(session, rehearsal, interrupted);
      throw error;
    }
    if (options.keep === true) await keep(session, rehearsal, interrupted);
  } finally {
    onProgress('throwing the host away');
    await rehearsal.close();
  }
}

async function perform(session: Session, rehearsal: Rehearsal, runbook: Runbook<Activities>, options: RehearseOptions, onProgress: (stage: string) => void): Promise<void> {
  const { terminal } = session;
  const { name } = runbook;
  onProgress('starting the worker in it, and users who write');
  await rehearsal.startWorker();
  await rehearsal.startSending();
  const rehearsing = { rehearsal, person: session.environment.person, onProgress };
  terminal.warn(`Look on in the browser: ${rehearsal.uiUrl}/namespaces/default/workflows`, `Enter the host:         ${rehearsal.guest.enterCommand}`, '');
  const handle = await beginRehearsed(rehearsing, runbook);
  const passphrases = options.yes === true ? [] : tellPassphrases(runbook);
  if (passphrases.length > 0) terminal.warn(...passphrases, '');
  const powerCut = options.powerCutAt === undefined ? undefined : preparePowerCut(session, rehearsal, options.powerCutAt);
  const ended = options.yes === true ? await goThrough(session, rehearsal, handle, name, powerCut) : await letPersonAnswer(rehearsal, handle, name);
  await followRehearsed(rehearsing, runbook);
  onProgress('asking the users what became of their writes');
  const verdict = await rehearsal.finishSending();
  if (options.record !== undefined) {
    await saveRecord(rehearsal, name, handle, options.record);
    onProgress(`the run record is in ${resolve(options.record)}`);
  }
  await tellEnd(session, rehearsal, { name, handle, verdict, options });
  if (!isIntact(verdict)) throw new CommandEnded(exitCodes.failed, 'acknowledged operations are missing, doubled or altered: see above');
  const wanted = runbook.undoes === undefined ? 'succeeded' : 'rolled back';
  if (ended !== wanted) throw new CommandEnded(exitCodes.failed, `${name} ${ended}`);
  powerCut?.assertCut();
}

function preparePowerCut({ terminal }: Session, rehearsal: Rehearsal, step: string): PowerCut {
  return createPowerCut(step, async () => {
    terminal.warn(terminal.theme.warning(`cutting the power at ${step}`));
    await rehearsal.powerCut();
  });
}

/** Everything that a person would do, done by this process, while the run is shown. */
async function goThrough(session: Session, rehearsal: Rehearsal, handle: WorkflowHandle, name: string, powerCut: PowerCut | undefined): Promise<string> {
  const { runId } = await handle.describe();
  const shown = watch(session, rehearsal.client, { workflowId: handle.workflowId, runId, runbook: name, host: rehearsalHost }, { ask: false, host: rehearsalHost });
  // Its outcome is this run's own, told below.
  const looked = shown.catch((error: unknown) => {
    if (!(error instanceof CommandEnded)) throw error;
  });
  // Awaited below; an interrupted rehearsal closes the connection under it and never gets there.
  void looked.catch(() => undefined);
  const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, undefined, powerCut?.look);
  await looked;
  return result.state;
}

/** The same command as in production, on the host itself: there alone secrets can be typed. */
async function letPersonAnswer(rehearsal: Rehearsal, handle: WorkflowHandle, name: string): Promise<string> {
  const [ssh = 'ssh', ...args] = rehearsal.guest.enterCommand.split(' ');
  const { exitCode } = await execa(ssh, ['-t', ...args, 'lockstep', 'watch', name], { stdio: 'inherit', reject: false });
  const description = await handle.describe();
  if (description.status.name === 'RUNNING') {
    throw new CommandEnded(exitCodes.failed, `the rehearsal was left before its end (watch ended with status ${exitCode ?? 'unknown'})`);
  }
  return ((await handle.result()) as { state: string }).state;
}

async function saveRecord(rehearsal: Rehearsal, name: string, handle: WorkflowHandle, file: string): Promise<void> {
  const { runId } = await handle.describe();
  await writeFile(resolve(file), await rehearsal.guest.getFile(`${hostFiles.state}/runs/${name}-${runId}/record.json`));
}

interface RehearsalEnd {
  readonly name: string;
  readonly handle: WorkflowHandle;
  readonly verdict: ClientVerdict;
  readonly options: RehearseOptions;
}

async function tellEnd({ terminal }: Session, rehearsal: Rehearsal, { name, handle, verdict, options }: RehearsalEnd): Promise<void> {
  const { runId } = await handle.describe();
  const record = JSON.parse((await rehearsal.guest.getFile(`${hostFiles.state}/runs/${name}-${runId}/record.json`)).toString('utf8')) as Parameters<typeof renderVerdict>[0];
  const looking = {
    recordPath: `${hostFiles.state}/runs/${name}-${runId}/record.md`,
    runUrl: `${rehearsal.uiUrl}/namespaces/default/workflows/${encodeURIComponent(handle.workflowId)}/${runId}`,
    how: options.keep === true ? `enter it with ${rehearsal.guest.enterCommand}` : 'the host and its UI are gone in a moment; --keep leaves them running, --record FILE keeps the record',
  };
  terminal.print('', ...renderVerdict(record, verdict, looking, { theme: terminal.theme, width: terminal.width(), isSummaryTold: options.yes !== true }));
}

/** Waits for Ctrl-C: the host's processes are this one's children. */
async function keep({ terminal }: Session, rehearsal: Rehearsal, interrupted: Promise<never>): Promise<void> {
  terminal.print(
    '',
    'The host goes on running.',
    `  enter it:      ${rehearsal.guest.enterCommand}`,
    `  the UI:        ${rehearsal.uiUrl}/namespaces/default/workflows`,
    '  throw it away: Ctrl-C',
  );
  // Without something to wait for, the process would end by itself.
  const waiting = setInterval(() => undefined, 60_000);
  try {
    await interrupted;
  } catch (error) {
    if (!(error instanceof CommandEnded)) throw error;
  } finally {
    clearInterval(waiting);
  }
}
