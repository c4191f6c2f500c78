import { formatBytes, type Facts } from '../../contract/facts.js';
import { acknowledgement, gate, optionalStep, parallel, step } from '../words.js';
import { planned, replacedKeys, serviceUp, testedRestart } from './choices.js';

export const readKeys = step({
  id: 'read-keys',
  title: 'The key slots as they stand, told apart by role',
  plan: '5.3',
  do: (act) => act.readKeys(),
  show: ({ slots }) => slots.map(showSlot),
});

function showSlot({ slot, role, kdf, memoryKiB, setBy, provenAt }: { readonly slot: number; readonly role: string | null; readonly kdf: string; readonly memoryKiB: number; readonly setBy: string | null; readonly provenAt: string | null }): Facts[number] {
  const words = [role ?? 'NO ROLE: removed with the old keys', `${kdf}, ${formatBytes(memoryKiB * 1024)}`, ...(setBy === null ? [] : [`set by ${setBy}`]), provenAt === null ? 'not proven yet' : `proven ${provenAt}`];
  return [`slot ${slot}`, words.join('; ')];
}

export const recentBackup = optionalStep({
  id: 'recent-backup',
  title: 'A backup, verified within the last 24 hours',
  plan: '5.3, step 1',
  when: planned,
  skippable: true,
  do: (act) => act.assertRecentBackup(),
  show: ({ file, ageHours }) => [
    ['backup', file],
    ['age', `${ageHours.toFixed(1)} h`],
  ],
});

export const proveOperational = optionalStep({
  id: 'prove-operational',
  title: 'The operational key opens the volume',
  plan: '5.3',
  when: planned,
  do: (act) => act.proveKey({ role: 'operational' }),
  show: showProof,
});

export const proveRecovery = optionalStep({
  id: 'prove-recovery',
  title: 'The recovery key opens the volume, and its slot has not changed since that was proven',
  plan: '5.3',
  when: planned,
  do: (act) => act.proveKey({ role: 'recovery' }),
  show: showProof,
});

function showProof({ slot, provenAt }: { readonly slot: number; readonly provenAt: string }): Facts {
  return [[`slot ${slot}`, `proven ${provenAt}`]];
}

export const rotationChecks = parallel({
  id: 'rotation-checks',
  title: 'What only people can check',
  plan: '5.3, step 1',
  when: planned,
  nodes: [
    acknowledgement({ id: 'holders-notified', title: 'All key holders are notified of the rotation', plan: '5.3, step 1', when: planned, requires: serviceUp }),
    acknowledgement({ id: 'restart-window', title: 'A maintenance window is scheduled: the service is restarted with the new key', plan: '5.3, step 1', when: testedRestart, requires: serviceUp }),
  ],
});

export const rotationGate = gate({
  id: 'rotate',
  title: 'Add the new keys now?',
  plan: '5.3',
  when: planned,
  requires: serviceUp,
  evidence: ({ from, input }) => [
    ['replaced', replacedKeys(input).join(' and ')],
    ['reason', input.reason ?? 'annual'],
    ...from(readKeys).slots.map(showSlot),
    ...describeBackup(from(recentBackup)),
  ],
});

function describeBackup(backup: { readonly file: string; readonly ageHours: number } | undefined): Facts {
  return [['verified backup', backup === undefined ? 'NONE within 24 h: left out by a person' : `${backup.ageHours.toFixed(1)} h old`]];
}
