import type { KeyRole } from '../../contract/keys.js';
import type { Facts } from '../../contract/facts.js';
import { acknowledgement, optionalStep, parallel, step } from '../words.js';
import type { Question, Unless } from '../engine/nodes.js';
import { planned, replaces, serviceUp } from './choices.js';

/**
 * A new key beside the present ones.
 *
 * @param by - The present key that authorises it.
 * @param when - Absent where it is always added, and without a look at the backups' passphrase, which may not be at hand.
 */
export function addKey(role: KeyRole, by: KeyRole, when?: Unless) {
  return optionalStep({
    id: `add-${role}`,
    title: `The new ${role} passphrase in a slot of its own, proven by that slot`,
    plan: '5.3, steps 2 and 3',
    ...(when === undefined ? {} : { when }),
    do: (act, { input }) => act.addNewKey({ role, by, atOnce: when === undefined || input.emergency === true }),
    undo: { title: `The new ${role} key removed again`, do: (act) => act.removeNewKey({ role }) },
    show: ({ slot }) => [['slot', String(slot)]],
  });
}

/** The new passphrase typed anew from where it is stored. */
export function confirmKey(role: KeyRole, when?: Unless) {
  return optionalStep({
    id: `confirm-new-${role}`,
    title: `The new ${role} passphrase, once more from where it is stored`,
    plan: '5.3, step 4',
    ...(when === undefined ? {} : { when }),
    do: (act) => act.confirmNewKey({ role }),
    show: ({ slot, typed }): Facts => [
      ['opens slot', String(slot)],
      ['came from', typed ? 'a person who typed it' : 'what lockstep.yaml names'],
    ],
  });
}

export const backupNewHeader = step({
  id: 'backup-header',
  title: 'Header backup with the new keys, proven to open with each',
  plan: '5.3',
  do: (act) => act.backupNewHeader({ which: 'new-keys' }),
  show: showHeaderBackup,
});

export function showHeaderBackup({ file, sha256, opened }: { readonly file: string; readonly sha256: string; readonly opened: readonly number[] }): Facts {
  return [
    ['file', file],
    ['SHA-256', sha256.slice(0, 16)],
    ['opens slots', opened.join(', ')],
  ];
}

/**
 * Where the new keys are, as people say: all of them, or those that a rotation replaces.
 *
 * @param more - What is asked beside it.
 */
export function keysStored(id: string, when?: Unless, more: readonly Question[] = []) {
  return parallel({
    id,
    title: 'Where the new keys are',
    plan: '5.3, step 5',
    ...(when === undefined ? {} : { when }),
    nodes: [
      acknowledgement({
        id: `${id}-operational`,
        title: 'The password manager has the new operational passphrase, for two people at least; the old entry is marked "Deprecated - Rotated" with the date and NOT deleted yet',
        plan: '5.3, step 5',
        requires: serviceUp,
        ...(when === undefined ? {} : { when: replaces('operational') }),
      }),
      acknowledgement({
        id: `${id}-recovery`,
        title: 'The new recovery sheet is in the safe, in a sealed envelope (say its number); the old one is kept until the old key is removed',
        plan: '5.3, step 5',
        requires: serviceUp,
        ...(when === undefined ? {} : { when: replaces('recovery') }),
        reasonForGo: true,
      }),
      ...more,
    ],
  });
}

export const storedBefore = keysStored('keys-updated', planned);

