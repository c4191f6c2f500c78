import { workflowOf } from '../../../../src/workflows/engine/walk.js';
import * as runbooks from './runbooks.js';

export const steps = workflowOf(runbooks.steps);
export const gated = workflowOf(runbooks.gated);
export const back = workflowOf(runbooks.back);
export const final = workflowOf(runbooks.final);
export const together = workflowOf(runbooks.together);
export const partlyTogether = workflowOf(runbooks.partlyTogether);
export const people = workflowOf(runbooks.people);
export const waiting = workflowOf(runbooks.waiting);
export const long = workflowOf(runbooks.long);
export const twoWaysBack = workflowOf(runbooks.twoWaysBack);
export const rotation = workflowOf(runbooks.rotation);
export const withChild = workflowOf(runbooks.withChild);
export const incident = workflowOf(runbooks.incident);
export const forward = workflowOf(runbooks.forward);
