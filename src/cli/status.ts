import type { Command } from 'commander';
import { renderCompact } from './present/compactLines.js';
import { explainLeft, wasLeft } from './present/leftLines.js';
import { renderStatus } from './present/statusLines.js';
import { recordLines } from './present/summaryLines.js';
import { CommandEnded, exitCodes } from './exit.js';
import { observe } from './observe.js';
import { undeliveredAlerts } from './undeliveredAlerts.js';
import { peopleForView } from './people.js';
import { findRecord } from './record.js';
import { runFlag, withRunbookArgument } from './runbooks.js';
import { findRun, nameAmongOpen } from './runs.js';
import { flagsFor, resolveHost, withHostOptions, withServer, type HostOptions, type Session } from './session.js';

interface StatusOptions extends HostOptions {
  readonly json?: boolean;
}

/** Adds `status`: how a run stands, once. */
export function addStatusCommand(program: Command, session: Session): void {
  withHostOptions(withRunbookArgument(program.command('status'), '[runbook]').description('show how the open run stands, or how the last one ended'))
    .option('--json', 'as JSON, for programs')
    .action((runbook: string | undefined, options: StatusOptions) => showStatus(session, runbook, options));
}

async function showStatus(session: Session, runbook: string | undefined, options: StatusOptions): Promise<void> {
  const { terminal } = session;
  const host = await resolveHost(session, options);
  try {
    await showRun(session, host, runbook, options);
  } finally {
    // Also where the server is away: then nobody is told by a run either.
    const lines = options.json === true ? [] : await undeliveredAlerts(session, host, options);
    if (lines.length > 0) terminal.print('', ...lines);
  }
}

async function showRun(session: Session, host: string, runbook: string | undefined, options: StatusOptions): Promise<void> {
  const { terminal } = session;
  await withServer(session, async ({ client }) => {
    const run = await findRun(client, host, runbook, { naming: (name) => `lockstep status ${name}${flagsFor(options)}`, flags: flagsFor(options) });
    const seen = await observe(client, run);
    if (options.json === true) {
      terminal.print(JSON.stringify({ ...run, ...seen }, null, 2));
      return;
    }
    const isLeft = wasLeft(seen.execution, seen.status);
    const flags = flagsFor(options);
    const view = { width: terminal.width(), theme: terminal.theme, flags: `${runFlag(await nameAmongOpen(client, run))}${flags}`, ...(await peopleForView(session, options)) };
    if (seen.status !== undefined) {
      terminal.print(...renderStatus(isLeft ? { ...seen.status, questions: [] } : seen.status, { ...view, now: new Date(), ...(seen.running === undefined ? {} : { running: seen.running }) }));
      if (isLeft) terminal.warn(explainLeft(seen.execution, run, flags));
    } else if (isLeft) {
      throw new CommandEnded(exitCodes.failed, explainLeft(seen.execution, run, flags));
    } else if (seen.compact !== undefined) {
      terminal.print(...renderCompact(seen.compact, { ...view, runbook: run.runbook, host }));
    } else {
      throw new CommandEnded(exitCodes.noAnswer, `${run.workflowId} is ${seen.execution.toLowerCase()}, and no worker on ${host} has told more of it yet`);
    }
    if (seen.execution !== 'RUNNING') terminal.print(...recordLines(await findRecord(session, options, run)));
  });
}
