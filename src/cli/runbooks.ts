import type { Activities } from '../activities/index.js';
import type { Runbook } from '../workflows/engine/nodes.js';
import { decommissionPlaintext } from '../workflows/decommissionPlaintext.js';
import { migrate } from '../workflows/migrate.js';
import { rollback } from '../workflows/rollback.js';
import { wrongUsage } from './exit.js';

/** The runbooks that can be planned and started. */
export const runbooks: readonly Runbook<Activities>[] = [migrate, rollback, decommissionPlaintext];

/** @throws CommandEnded where there is none of that name. */
export function runbookNamed(name: string): Runbook<Activities> {
  const found = runbooks.find((runbook) => runbook.name === name);
  if (found === undefined) throw wrongUsage(`there is no runbook ${name}; there are: ${runbooks.map((runbook) => runbook.name).join(', ')}`);
  return found;
}
