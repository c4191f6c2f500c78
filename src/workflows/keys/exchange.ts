import { formatBytes, type Facts } from '../../contract/facts.js';
import type { KeyRole } from '../../contract/keys.js';
import type { Unless, View } from '../engine/nodes.js';
import { acknowledgement, gate, optionalStep, step } from '../words.js';
import { atOnce, both, inService, leaked, planned, replacedKeys, replaces, testedRestart } from './choices.js';
import { backupNewHeader, keysStored, showHeaderBackup } from './add.js';

export const restartGate = gate({
  id: 'test-restart',
  title: 'Users go offline: restart the service with the new operational passphrase?',
  plan: '5.3, step 6',
  when: testedRestart,
  requires: inService,
  evidence: () => [['users are offline', 'until the new passphrase is typed and the service is healthy again: minutes']],
});

export const closeForTest = optionalStep({
  id: 'close-for-test',
  title: 'Service stopped, volume closed',
  plan: '5.3, step 6',
  when: testedRestart,
  usersOffline: true,
  do: (act) => act.closeForTest(),
  undo: { title: 'Volume open, service up again', do: (act) => act.bringServiceBack() },
});

export const reopenWithNewKey = optionalStep({
  id: 'reopen-with-new-key',
  title: 'Volume opened with the new passphrase, service healthy',
  plan: '5.3, step 6',
  when: testedRestart,
  usersOffline: true,
  do: (act) => act.reopenWithNewKey(),
  show: ({ openFiles, status }) => [
    ['open files on the volume', String(openFiles)],
    ['health', String(status)],
  ],
});

export const removeGate = gate({
  id: 'remove-old',
  title: 'Remove the old keys? There is no way back from here but another rotation',
  plan: '5.3, step 7',
  when: planned,
  requires: inService,
  evidence: ({ from, input }) => {
    const restarted = from(reopenWithNewKey);
    return [
      ['removed', replacedKeys(input).map((role) => `the old ${role} key`).join(' and ')],
      ['header backup', `${from(backupNewHeader).file}, opens slots ${from(backupNewHeader).opened.join(', ')}`],
      ['restart with the new passphrase', restarted === undefined ? 'not tested: the slot alone was' : `tested: healthy (${restarted.status})`],
    ];
  },
});

/**
 * Before there is no way back any more: another rotation may have come first while a gate was open.
 *
 * @param replaced - The roles that have a new key.
 */
export function newKeysStand(replaced: (input: View['input']) => readonly KeyRole[]) {
  return step({
    id: 'new-keys-stand',
    title: 'The new keys are still in their slots, unchanged since they were proven',
    plan: '5.3, step 7',
    do: (act, { input }) => act.assertNewKeysStand({ replaced: replaced(input) }),
    show: ({ slots }) => slots.map(({ slot, role }) => [`slot ${slot}`, role] as const),
  });
}

/**
 * A person may leave it out where it cannot be done: the check of the slots behind it says then what is left.
 *
 * @param replaced - The roles whose old keys go.
 */
export function removeOldKeys(replaced: (input: View['input']) => readonly KeyRole[]) {
  return optionalStep({
    id: 'remove-old-keys',
    title: 'Old keys removed by their numbers; two other slots are proven before each',
    plan: '5.3, step 7',
    skippable: true,
    do: (act, { input }) => act.removeOldKeys({ replaced: replaced(input) }),
    show: ({ removed }) => removed.map(({ slot, role }) => [`slot ${slot}`, `removed (${role})`] as const),
  });
}

export const rotatedKeysStand = newKeysStand(replacedKeys);

export const removeOld = removeOldKeys(replacedKeys);

export const oldOperationalFails = optionalStep({
  id: 'old-operational-fails',
  title: 'The old operational passphrase opens nothing any more',
  plan: '5.3, step 7',
  when: replaces('operational'),
  skippable: true,
  do: (act) => act.proveOldKeyFails({ role: 'operational' }),
  show: showFails,
});

/** @param when - Absent where it was typed in this run. */
export function oldRecoveryFails(when?: Unless) {
  return optionalStep({
    id: 'old-recovery-fails',
    title: 'The old recovery passphrase opens nothing any more',
    plan: '5.3, step 7',
    ...(when === undefined ? {} : { when }),
    skippable: true,
    do: (act) => act.proveOldKeyFails({ role: 'recovery' }),
    show: showFails,
  });
}

/** In an emergency nobody opens the safe for that. */
export const oldRecoveryFailsIfPlanned = oldRecoveryFails(both(planned, replaces('recovery')));

function showFails({ opens }: { readonly opens: string }): Facts {
  return [['it opens', opens]];
}

export const reencrypt = optionalStep({
  id: 'reencrypt',
  title: 'New volume key: everything is encrypted anew, online',
  plan: '5.3',
  when: leaked,
  requires: ['volume open'],
  do: (act) => act.reencryptVolume(),
  show: ({ slots }) => slots.map(({ slot, role }) => [`slot ${slot}`, role ?? 'no role'] as const),
});

export const checkKeys = step({
  id: 'verify-slots',
  title: 'Exactly two slots, operational and recovery, both proven',
  plan: '5.3, step 9',
  do: (act) => act.assertKeys(),
  show: showTwoKeys,
});

interface TwoKeys {
  readonly slots: readonly { readonly slot: number; readonly role: KeyRole }[];
  readonly weak?: readonly { readonly slot: number; readonly memoryKiB: number; readonly minimumMemoryKiB: number; readonly weakness?: string }[];
}

/** The keys of a volume as they were proven, and what of them lockstep.yaml would want to cost more. */
export function showTwoKeys({ slots, weak = [] }: TwoKeys): Facts {
  return [
    ...slots.map(({ slot, role }) => [`slot ${slot}`, role] as const),
    ...weak.map(({ slot, memoryKiB, minimumMemoryKiB, weakness = `argon2id with ${formatBytes(memoryKiB * 1024)}, least wanted ${formatBytes(minimumMemoryKiB * 1024)}` }) => [`slot ${slot} is WEAK`, `${weakness}: rotate that key next`] as const),
  ];
}

export const backupReencrypted = optionalStep({
  id: 'backup-reencrypted-header',
  title: 'Header backup with the new volume key, proven to open with each key',
  plan: '5.3',
  when: leaked,
  do: (act) => act.backupNewHeader({ which: 'reencrypted' }),
  show: showHeaderBackup,
});

export const retireBackups = step({
  id: 'retire-header-backups',
  title: 'Header backup of the keys that remain; older ones on this host removed: with an old passphrase each opens the volume for ever',
  plan: '5.3',
  do: (act, { input }) => act.retireHeaderBackups({ which: input.leak === true ? 'reencrypted' : 'old-removed' }),
  show: ({ files, kept, sha256 }) => [['kept', kept], ['SHA-256', sha256.slice(0, 16)], ...(files.length === 0 ? [['removed', 'there was none'] as const] : files.map((file) => ['removed', file] as const))],
});

export const copiesRetired = acknowledgement({
  id: 'copies-retired',
  title: 'Copies of older header backups off this host are destroyed (say where they were; a header backup and the old passphrase decrypt the volume for ever, unless it was re-encrypted)',
  plan: '5.3',
  reasonForGo: true,
  requires: inService,
  evidence: ({ from }) => from(retireBackups).files.map((file) => ['was here, and may have been copied', file] as const),
});

export const documentRotation = step({
  id: 'document-rotation',
  title: 'Rotation documented: audit log, and a text for the key holders',
  plan: '5.3, step 8',
  do: (act, { input }) => act.documentRotation({ keys: replacedKeys(input).length === 2 ? 'both' : (input.keys ?? 'operational'), reason: input.reason ?? 'annual', emergency: input.emergency === true }),
  show: ({ file, at }) => [
    ['text for the key holders', file],
    ['at', at],
  ],
});

/** The plan's emergency rotation: all key holders within one hour. */
const secondsToTellHolders = 3600;

export const storedAndTold = keysStored('keys-stored', atOnce, [
  acknowledgement({
    id: 'holders-told-at-once',
    title: 'All key holders are told of the emergency rotation, within one hour',
    plan: '5.3, emergency rotation',
    due: { withinSeconds: secondsToTellHolders, fromStart: true },
    requires: inService,
    evidence: ({ from }) => [['text', from(documentRotation).file]],
  }),
]);

export const holdersTold = acknowledgement({
  id: 'holders-told',
  title: 'All key holders are told that the rotation is done',
  plan: '5.3, step 8',
  when: planned,
  requires: inService,
  evidence: ({ from }) => [['text', from(documentRotation).file]],
});
