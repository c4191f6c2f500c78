import type { Command } from 'commander';
import { toRunSettings } from '../config/settings.js';
import { runInputSchema } from '../contract/inputs.js';
import { describeRunbook } from '../workflows/describe.js';
import { wrongUsage } from './exit.js';
import { renderPlan } from './present/planLines.js';
import { runbookNamed, withRunbookArgument } from './runbooks.js';
import { readSize } from './size.js';
import { loadSessionConfig, type HostOptions, type Session } from './session.js';

/** Adds `plan`: prints a runbook without a server, and without touching anything. */
export function addPlanCommand(program: Command, session: Session): void {
  withRunbookArgument(program.command('plan'), '<runbook>')
    .description('print what a runbook would do: its steps, its questions, who is offline when, and the way back')
    .option('--config <file>', 'tell for this lockstep.yaml which steps are left out')
    .option('--size <size>', 'estimate how long users will be offline with a database of that size, for example 50G')
    .option('--json', 'as JSON, for programs')
    .action((name: string, options: PlanOptions) => showPlan(session, name, options));
}

interface PlanOptions extends Pick<HostOptions, 'config'> {
  readonly size?: string;
  readonly json?: boolean;
}

async function showPlan(session: Session, name: string, options: PlanOptions): Promise<void> {
  const runbook = runbookNamed(name);
  if (options.json === true && options.size !== undefined) throw wrongUsage('--size changes nothing of --json, which holds no estimate; leave one of them out');
  const description = describeRunbook(runbook, options.config === undefined ? undefined : await readView(session, options));
  const { terminal } = session;
  const sizeBytes = options.size === undefined ? undefined : readSize(options.size);
  terminal.print(
    ...(options.json === true
      ? [JSON.stringify(description, null, 2)]
      : renderPlan(description, { width: Math.min(100, terminal.width()), theme: terminal.theme, ...(sizeBytes === undefined ? {} : { sizeBytes }) })),
  );
}

async function readView(session: Session, options: Pick<HostOptions, 'config'>) {
  const { config } = await loadSessionConfig(session, options);
  return { settings: toRunSettings(config), input: runInputSchema.parse({ host: config.host }) };
}
