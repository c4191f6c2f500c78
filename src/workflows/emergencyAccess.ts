import type { Activities } from '../activities/activities.js';
import type { Facts } from '../contract/facts.js';
import type { Runbook, View } from './engine/nodes.js';
import { addKey, backupNewHeader, confirmKey, keysStored } from './keys/add.js';
import { readKeysFor } from './keys/check.js';
import { inService } from './keys/choices.js';
import { checkKeys, copiesRetired, newKeysStand, oldRecoveryFails, removeOldKeys, retireBackups } from './keys/exchange.js';
import { acknowledgement, gate, section, step } from './words.js';

const bothKeys = () => ['operational', 'recovery'] as const;
const readKeys = readKeysFor(bothKeys);

const reason = gate({
  id: 'reason',
  title: 'Use the recovery key: why is the operational passphrase not available?',
  plan: '5.3, emergency access',
  reasonForGo: true,
  evidence: ({ from }) => from(readKeys).slots.map(({ slot, role }) => [`slot ${slot}`, role ?? 'no role'] as const),
});

const witnesses = gate({
  id: 'witnesses',
  title: 'Open the safe before two witnesses: each says for themselves that they are there, and that their photo ID was checked by the other (say by whom)',
  plan: '5.3, emergency access, steps 1 and 2',
  people: 2,
  reasonForGo: true,
});

const envelope = acknowledgement({
  id: 'envelope-opened',
  title: 'The envelope is opened: say its number, when it was opened, and whether its seal was whole',
  plan: '5.3, emergency access, step 2',
  reasonForGo: true,
});

const unlock = step({
  id: 'unlock-with-recovery',
  title: 'Volume opened with the recovery passphrase, service up and healthy',
  plan: '5.3, emergency access, step 3',
  do: (act) => act.unlockWithRecoveryKey(),
  show: ({ slot, opened, status }) => [
    ['recovery key', `slot ${slot}`],
    ['volume', opened ? 'opened now' : 'was open already'],
    ['health', String(status)],
  ],
});

const removeOld = removeOldKeys(bothKeys);

const document = step({
  id: 'document-access',
  title: 'Emergency access documented: audit log, and a report with reason, witnesses and what was done',
  plan: '5.3, emergency access, step 5',
  do: (act) => act.documentEmergencyAccess(),
  show: (documented) => [['report', documented.file], ...showWitnesses(documented)],
});

function showWitnesses({ distinctness }: { readonly distinctness?: string }): Facts {
  return distinctness === undefined ? [] : [['the two witnesses', distinctness]];
}

const holdersTold = acknowledgement({
  id: 'holders-told',
  title: 'All key holders are told of the access, and of the new keys',
  plan: '5.3, emergency access, step 5',
  requires: inService,
  evidence: ({ from }) => [['report', from(document).file]],
});

/** The plan's emergency access: the recovery key before two witnesses, and at once new keys in the place of both. */
export const emergencyAccess: Runbook<Activities> = {
  name: 'emergencyAccess',
  title: 'Use the recovery key, and replace both keys at once',
  comesFirst: () => true,
  noWayBackFrom: removeOld,
  sections: [
    section('Why, and before whom', '5.3, emergency access, steps 1 and 2', [readKeys, reason, witnesses, envelope]),
    section('Unlock with the recovery key', '5.3, emergency access, step 3', [unlock]),
    section('New keys at once', '5.3, emergency access, step 4', [
      addKey('operational', 'recovery'),
      addKey('recovery', 'recovery'),
      confirmKey('operational'),
      confirmKey('recovery'),
      backupNewHeader,
      newKeysStand(bothKeys),
      removeOld,
      oldRecoveryFails(),
      checkKeys,
      retireBackups,
      copiesRetired,
      keysStored('keys-stored'),
    ]),
    section('Document', '5.3, emergency access, step 5', [document, holdersTold]),
  ],
  // An envelope that was opened is told of, whatever came after.
  afterRollback: [document],
  summary: summarise,
};

function summarise({ from }: View, has: (step: { readonly id: string }) => boolean): Facts {
  return [
    ['recovery key', has(unlock) ? `used: it opened slot ${from(unlock).slot}` : 'not used'],
    ['replaced', has(removeOld) ? 'operational and recovery' : 'nothing'],
    ...(has(checkKeys) ? from(checkKeys).slots.map(({ slot, role }) => [`slot ${slot}`, role] as const) : []),
    ...(has(retireBackups) ? [['header backup', from(retireBackups).kept] as const] : []),
    ...(has(document) ? [...showWitnesses(from(document)), ['report', from(document).file] as const] : []),
  ];
}
