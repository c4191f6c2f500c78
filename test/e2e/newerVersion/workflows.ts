import type { Activities } from '../../../src/activities/activities.js';
import type { Runbook } from '../../../src/workflows/engine/nodes.js';
import { workflowOf } from '../../../src/workflows/engine/walk.js';
import { migrate as released } from '../../../src/workflows/migrate.js';
import { rollback as goBack } from '../../../src/workflows/rollback.js';
import { section, step } from '../../../src/workflows/words.js';
import { addedNode } from './addedNode.js';

const added = step({ id: addedNode, title: 'The host once more', plan: '3.1', do: (act) => act.readHost() });

/** What a later version of Lockstep may do to the runbook: a node more, before all others. */
const longer: Runbook<Activities> = { ...released, sections: [section('New in this version', '3.1', [added]), ...released.sections] };

export const migrate = workflowOf(longer);
export const rollback = workflowOf({ ...goBack, undoes: longer });
