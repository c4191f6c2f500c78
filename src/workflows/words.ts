import type { Activities } from '../activities/activities.js';
import { wordsFor } from './engine/nodes.js';

/** The words of our runbooks, over the activities that a worker registers. */
export const { step, optionalStep, gate, acknowledgement, waitUntil, parallel, child, section } = wordsFor<Activities>();
