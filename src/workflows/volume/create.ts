import { formatBytes, formatCountOf, type Facts } from '../../contract/facts.js';
import type { View } from '../engine/nodes.js';
import { acknowledgement, parallel, step } from '../words.js';

/**
 * The place of the volume: the same step in every runbook that makes one.
 *
 * @param size - The database that it has to hold, to which growth is added; or what was shown at a gate.
 */
export function createVolumeFileOf(size: (view: View) => { readonly databaseBytes: number } | { readonly sizeBytes: number }) {
  return step({
    id: 'create-volume-file',
    title: 'Place of the volume: a file, fully allocated, or an empty block device',
    plan: '1.1, step 1',
    do: (act, view) => act.createVolumeFile(size(view)),
    undo: { title: 'Leave the volume closed and intact', do: (act) => act.closeVolume() },
    show: (place) => [
      ['place', place.file],
      ['size', formatBytes(place.sizeBytes)],
      ['isPrepared' in place ? 'prepared by setupVolume' : 'allocated', 'isPrepared' in place ? 'opened with its own passphrase, and empty' : formatBytes(place.allocatedBytes)],
    ],
  });
}

export const formatVolume = step({
  id: 'format-volume',
  title: 'LUKS2, AES-256-XTS, argon2id, operational passphrase in slot 0',
  plan: '1.1, step 2',
  do: (act) => act.formatVolume(),
});

export const addRecoveryKey = step({
  id: 'add-recovery-key',
  title: 'Recovery passphrase in slot 1',
  plan: '1.1, step 3',
  do: (act) => act.addRecoveryKey(),
});

export const checkHeader = step({
  id: 'check-header',
  title: 'Cipher, key derivation and both slots, proven from the header',
  plan: '1.1',
  do: (act) => act.assertHeader(),
  show: (header) => [
    ['cipher', `${header.cipher}, ${header.keySizeBits} bits`],
    ['sector size', formatBytes(header.sectorSizeBytes)],
    ['slots', header.roles.map(({ role, slots }) => `${slots.join(' ')} ${role}`).join(', ')],
    ['argon2id', header.slots.map(({ memoryKiB, parallel }) => `${formatBytes(memoryKiB * 1024)}${parallel === undefined ? '' : ` in ${formatCountOf(parallel, 'thread')}`}`).join(', ')],
    ...(header.minimumMemoryKiB === undefined ? [] : [['least memory allowed', formatBytes(header.minimumMemoryKiB * 1024)] as const]),
  ],
});

export const makeFilesystem = step({
  id: 'make-filesystem',
  title: 'Open, ext4, mount; the bare mount point takes no data',
  plan: '1.1, steps 4 and 5',
  do: (act) => act.makeFilesystem(),
  show: (made) => [
    ['room', formatBytes(made.availableBytes)],
    ...(made.label === undefined ? [] : [['label', made.label] as const]),
    ...(made.owner === undefined ? [] : [['data directory belongs to', made.owner] as const]),
  ],
});

export const backupHeader = step({
  id: 'backup-header',
  title: 'Header backup, proven to open',
  plan: '1.1',
  do: (act) => act.backupHeader(),
  show: (backup) => [
    ['file', backup.file],
    ['SHA-256', backup.sha256.slice(0, 16)],
  ],
});

export const confirmOperational = step({
  id: 'confirm-operational',
  title: 'Operational passphrase, once more from where it is stored',
  plan: '5.3',
  do: (act) => act.confirmPassphrase({ role: 'operational' }),
  show: showConfirmed,
});

export const confirmRecovery = step({
  id: 'confirm-recovery',
  title: 'Recovery passphrase, once more from where it is stored',
  plan: '5.3',
  do: (act) => act.confirmPassphrase({ role: 'recovery' }),
  show: showConfirmed,
});

/** A file proves that the file is right; only typing proves what people have. */
function showConfirmed({ slot, typed }: { readonly slot: number; readonly typed: boolean }): Facts {
  return [
    ['opens slot', String(slot)],
    ['came from', typed ? 'a person who typed it' : 'the file that lockstep.yaml names'],
  ];
}

export const keysStored = parallel({
  id: 'keys-stored',
  title: 'Where the keys are',
  plan: '4, step 3',
  nodes: [
    acknowledgement({ id: 'operational-stored', title: 'The operational passphrase is in the password manager, for two people at least', plan: '5.3' }),
    acknowledgement({ id: 'recovery-stored', title: 'The recovery passphrase is in the safe, in a sealed envelope', plan: '5.3' }),
  ],
});
