import type { Condition } from '../../contract/calls.js';
import type { Unless } from '../engine/nodes.js';
import type { KeyRole } from '../../contract/keys.js';
import type { View } from '../engine/nodes.js';

type Input = View['input'];

/** The keys that a rotation replaces: a leak concerns both, since a header backup holds both slots. */
export function replacedKeys({ keys = 'operational', leak = false }: Pick<Input, 'keys' | 'leak'>): readonly KeyRole[] {
  return keys === 'both' || leak ? ['operational', 'recovery'] : [keys];
}

/** Where the run replaces that key. */
export function replaces(role: KeyRole): Unless {
  return { holds: ({ input }) => replacedKeys(input).includes(role), otherwise: `the ${role} key stays` };
}

/** Where there is time: an emergency goes first and asks less. */
export const planned: Unless = { holds: ({ input }) => input.emergency !== true, otherwise: 'an emergency: at once' };

/** Where an emergency leaves for afterwards what a planned rotation does before. */
export const atOnce: Unless = { holds: ({ input }) => input.emergency === true, otherwise: 'no emergency: done before' };

/** Where a header backup may have got out as well. */
export const leaked: Unless = { holds: ({ input }) => input.leak === true, otherwise: 'no leak: the volume key stays' };

/** Where the service is to be started with the new key, as the plan has it. */
export const testedRestart: Unless = {
  holds: ({ input, settings }) => input.emergency !== true && settings.testedRestart !== false && replacedKeys(input).includes('operational'),
  otherwise: 'an emergency, or only the recovery key is replaced, or rotation.testedRestart is false',
};

/** What a reboot takes while people are asked, and is put right before they answer: nobody else does while a run holds the host. */
export const inService: readonly Condition[] = ['service up'];

/** Both have to hold. */
export function both(one: Unless, other: Unless): Unless {
  return { holds: (view) => one.holds(view) && other.holds(view), otherwise: `${one.otherwise}, or ${other.otherwise}` };
}
