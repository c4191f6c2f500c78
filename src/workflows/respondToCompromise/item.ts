import { type CompromiseSettings, defaultCompromise } from '../../contract/settings.js';
import type { Due, Question } from '../engine/nodes.js';
import { acknowledgement } from '../words.js';

type Item = Pick<Question, 'id' | 'title' | 'evidence' | 'choices' | 'after' | 'onlyIf'>;

/** One of the plan's items: a person says, in words for the report, that it is done. Nobody can refuse it. */
export function item(due: Due, words: Item): Question {
  return acknowledgement({ plan: '5.3', reasonForGo: true, choices: ['acknowledged'], due, ...words });
}

/** The plan's deadlines, in the order in which they come. */
export const immediately = dueIn('immediateSeconds');
export const investigated = dueIn('investigationSeconds');
export const remedied = dueIn('remediationSeconds');

function dueIn(name: keyof CompromiseSettings): Due {
  return { withinSeconds: ({ compromise = defaultCompromise }) => compromise[name] };
}
