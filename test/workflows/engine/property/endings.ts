import { ApplicationFailure } from '@temporalio/common';
import type { EndOfAttempt } from '../../../../src/activities/wrapper/journal.js';
import { failureTypes } from '../../../../src/contract/errors.js';
import type { Fault } from './description.js';
import type { Loss } from './scenario.js';

/** How an attempt ends that was cancelled and heard of it: before it changed anything, or after. */
export type CutOff = 'cut off early' | 'cut off late';

/** How an attempt ends that does not simply succeed. */
export type Ending = Fault | CutOff | Loss['leaves'];

/** Whether the attempt acted. */
export function hasEffect(ending: Ending | undefined): boolean {
  return ending === undefined || ending === 'done' || ending === 'answer lost' || ending === 'answer lost for good' || ending === 'cut off late' || ending === 'acted';
}

/** What the journal says of an attempt's end; one whose answer is lost may have been lost before its end was written. */
export function resultOf(ending: Ending | undefined): EndOfAttempt | undefined {
  switch (ending) {
    case undefined:
    case 'done':
      return 'done';
    case 'secret':
      return 'secret needed';
    case 'transient':
    case 'permanent':
    case 'trigger':
    case 'void':
      return 'failed';
    case 'cut off early':
    case 'cut off late':
      return 'cancelled';
    case 'answer lost':
    case 'answer lost for good':
    case 'begun':
    case 'acted':
      return undefined;
  }
}

/** What the server is told. */
export function failureOf(ending: Ending): ApplicationFailure {
  // At once: the engine waits for seconds, which runs in real time have not.
  if (ending === 'transient' || ending === 'answer lost') return ApplicationFailure.create({ message: ending, type: 'Transient', nextRetryDelay: 1 });
  if (ending === 'secret') return ApplicationFailure.nonRetryable(ending, failureTypes.secretNeeded, 'operationalPassphrase', false);
  if (ending === 'void') return ApplicationFailure.nonRetryable(ending, failureTypes.carryOverVoid, [['copy', 'lacks writes']]);
  if (ending === 'trigger') return ApplicationFailure.nonRetryable(ending, failureTypes.rollbackTrigger, [['measured', 'too much']]);
  return ApplicationFailure.nonRetryable(ending, failureTypes.permanent);
}
