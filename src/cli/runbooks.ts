import { type Command, Option } from 'commander';
import type { Activities } from '../activities/index.js';
import type { Runbook } from '../workflows/engine/nodes.js';
import { decommissionPlaintext } from '../workflows/decommissionPlaintext.js';
import { emergencyAccess } from '../workflows/emergencyAccess.js';
import { growVolume } from '../workflows/growVolume.js';
import { migrate } from '../workflows/migrate.js';
import { respondToCompromise } from '../workflows/respondToCompromise.js';
import { rollback } from '../workflows/rollback.js';
import { rotateKey } from '../workflows/rotateKey.js';
import { setupVolume } from '../workflows/setupVolume.js';
import { shutdown } from '../workflows/shutdown.js';
import { startup } from '../workflows/startup.js';
import { wrongUsage } from './exit.js';

/** The runbooks that can be planned and started. */
export const runbooks: readonly Runbook<Activities>[] = [migrate, rollback, decommissionPlaintext, setupVolume, growVolume, startup, shutdown, rotateKey, emergencyAccess, respondToCompromise];

const known = runbooks.map(({ name }) => name).join(', ');

/** @throws CommandEnded where there is none of that name. */
export function runbookNamed(name: string): Runbook<Activities> {
  const found = runbooks.find((runbook) => runbook.name === name);
  if (found === undefined) throw wrongUsage(`there is no runbook "${name}"; there are: ${known}`);
  return found;
}

/**
 * How a person names a run: by its runbook, or by its whole workflow id, such as `db1/migrate`.
 *
 * @throws CommandEnded where it is neither.
 */
export function readRunName(name: string): string {
  return name.includes('/') ? name : runbookNamed(name).name;
}

/** Adds the argument that names a runbook, with those that there are in its help and beside a usage error. */
export function withRunbookArgument(command: Command, form: '<runbook>' | '[runbook]'): Command {
  return command
    .argument(form, `one of: ${known}`, readRunName)
    .showHelpAfterError(`the runbooks are ${known}; see "lockstep ${command.name()} --help"`);
}

/** The option that names a run where several are open. */
export function runOption(): Option {
  return new Option('--run <runbook>', `which run, where several are open: one of ${known}`).argParser(readRunName);
}

/** The same option again, in a command that is shown to a person. */
export function runFlag(run: string | undefined): string {
  return run === undefined ? '' : ` --run ${run}`;
}
