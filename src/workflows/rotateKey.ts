import type { Activities } from '../activities/activities.js';
import type { Facts } from '../contract/facts.js';
import type { Runbook, View } from './engine/nodes.js';
import { addKey, backupNewHeader, confirmKey, storedBefore } from './keys/add.js';
import { proveOperational, proveRecovery, readKeys, recentBackup, rotationChecks, rotationGate } from './keys/check.js';
import { replacedKeys, replaces } from './keys/choices.js';
import {
  backupReencrypted,
  checkKeys,
  closeForTest,
  copiesRetired,
  documentRotation,
  holdersTold,
  oldOperationalFails,
  oldRecoveryFailsIfPlanned,
  reencrypt,
  removeGate,
  removeOld,
  reopenWithNewKey,
  restartGate,
  retireBackups,
  rotatedKeysStand,
  storedAndTold,
} from './keys/exchange.js';
import { section } from './words.js';

/** The plan's key rotation: add, prove, test, remove, prove again. At no instant are there fewer than two working keys. */
export const rotateKey: Runbook<Activities> = {
  name: 'rotateKey',
  title: 'Replace keys of the encrypted volume',
  takes: ['keys', 'reason', 'emergency', 'leak', 'awareSince'],
  comesFirst: ({ emergency }) => emergency === true,
  noWayBackFrom: removeOld,
  sections: [
    section('Pre-rotation checklist', '5.3, step 1', [readKeys, recentBackup, proveOperational, proveRecovery, rotationChecks, rotationGate]),
    section('Add the new keys', '5.3, steps 2 and 3', [addKey('operational', 'operational', replaces('operational')), addKey('recovery', 'operational', replaces('recovery'))]),
    section('Prove and store them', '5.3, steps 4 and 5', [confirmKey('operational', replaces('operational')), confirmKey('recovery', replaces('recovery')), backupNewHeader, storedBefore]),
    section('Test the restart', '5.3, step 6', [restartGate, closeForTest, reopenWithNewKey]),
    section('Remove the old keys', '5.3, step 7', [removeGate, rotatedKeysStand, removeOld, oldOperationalFails, oldRecoveryFailsIfPlanned]),
    section('New volume key', '5.3', [reencrypt, backupReencrypted]),
    section('Verify and document', '5.3, steps 8 and 9', [checkKeys, documentRotation, storedAndTold, retireBackups, copiesRetired, holdersTold]),
  ],
  afterRollback: [],
  summary: summarise,
};

function summarise({ from, input }: View, has: (step: { readonly id: string }) => boolean): Facts {
  return [
    ['replaced', has(removeOld) ? replacedKeys(input).join(' and ') : 'nothing'],
    ...(has(checkKeys) ? from(checkKeys).slots.map(({ slot, role }) => [`slot ${slot}`, role] as const) : []),
    ...(has(reencrypt) && from(reencrypt) !== undefined ? [['volume key', 'new: the data was re-encrypted'] as const] : []),
    ...(has(backupNewHeader) ? [['header backup', has(retireBackups) ? from(retireBackups).kept : (from(backupReencrypted) ?? from(backupNewHeader)).file] as const] : []),
  ];
}
