import { workflowOf } from './engine/walk.js';
import { decommissionPlaintext as decommissionRunbook } from './decommissionPlaintext.js';
import { migrate as migrateRunbook } from './migrate.js';
import { rollback as rollbackRunbook } from './rollback.js';

export const migrate = workflowOf(migrateRunbook);
export const rollback = workflowOf(rollbackRunbook);
export const decommissionPlaintext = workflowOf(decommissionRunbook);
