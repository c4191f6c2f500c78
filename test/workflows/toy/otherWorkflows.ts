import { workflowOf } from '../../../src/workflows/engine/walk.js';
import { toy as runbook } from './runbook.js';

/** A later version in which a node that open runs have passed has another name. */
export const toy = workflowOf({
  ...runbook,
  sections: runbook.sections.map((section) => ({
    ...section,
    nodes: section.nodes.map((node) => (node.id === 'measure' ? { ...node, id: 'weigh' } : node)),
  })),
});
