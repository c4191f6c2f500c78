import { workflowOf } from '../../../src/workflows/engine/walk.js';
import { toy as runbook } from './runbook.js';

export const toy = workflowOf(runbook);
