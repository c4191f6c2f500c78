import { workflowOf } from './engine/walk.js';
import { migrate as migrateRunbook } from './migrate.js';

export const migrate = workflowOf(migrateRunbook);
