import { wordsFor, type Runbook } from '../../../src/workflows/engine/nodes.js';
import { workflowOf } from '../../../src/workflows/engine/walk.js';
import type { TestActs } from '../engine/runbooks/acts.js';

export { respondToCompromise } from '../../../src/workflows/index.js';

const { gate, section, step } = wordsFor<TestActs>();

const rotation: Runbook<TestActs> = {
  name: 'rotateKey',
  title: 'Rotate keys',
  takes: ['keys', 'reason', 'emergency'],
  comesFirst: ({ emergency }) => emergency === true,
  sections: [section('Keys', '5.3', [step({ id: 'add', title: 'Add the new keys', plan: '5.3', do: (act) => act.act() }), gate({ id: 'remove', title: 'Remove the old ones?', plan: '5.3' })])],
  afterRollback: [],
  summary: () => [],
};

/** Stands for the runbook of that name. */
export const rotateKey = workflowOf(rotation);
