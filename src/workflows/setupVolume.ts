import type { Activities } from '../activities/activities.js';
import { formatBytes, type Facts } from '../contract/facts.js';
import type { Runbook, View } from './engine/nodes.js';
import { readHost } from './migrate/preflight.js';
import {
  addRecoveryKey,
  backupHeader,
  checkHeader,
  confirmOperational,
  confirmRecovery,
  createVolumeFileOf,
  formatVolume,
  keysStored,
  makeFilesystem,
} from './volume/create.js';
import { checkNewDeployment, initialiseDatabase, notePrepared, selectOverlay, startApplication } from './volume/newDeployment.js';
import { measureCipher, planVolume, setUpGate } from './volume/plan.js';
import { section, step } from './words.js';

const createVolumeFile = createVolumeFileOf(({ from }) => ({ sizeBytes: from(planVolume).sizeBytes }));

const readLeftVolume = step({
  id: 'read-left-volume',
  title: 'What stays on the disk, and how to remove it',
  plan: '1.1',
  do: (act) => act.readLeftVolume(),
  show: (left) => (left.place === null ? [['left', 'nothing']] : [['left', `${left.place}, ${formatBytes(left.sizeBytes)}, closed`]]),
});

/** The plan's 1.1, on its own: an encrypted volume for a database that is moved later, or that begins on it. */
export const setupVolume: Runbook<Activities> = {
  name: 'setupVolume',
  title: 'Set up an encrypted volume',
  takes: ['newDeployment', 'sizeGib'],
  sections: [
    section('Checks', '1.1', [readHost, measureCipher, planVolume, checkNewDeployment, setUpGate]),
    section('Create encrypted volume', '1.1', [
      createVolumeFile,
      formatVolume,
      addRecoveryKey,
      checkHeader,
      makeFilesystem,
      backupHeader,
      confirmOperational,
      confirmRecovery,
      keysStored,
      notePrepared,
    ]),
    section('New deployment', '1.3', [selectOverlay, initialiseDatabase, startApplication]),
  ],
  afterRollback: [readLeftVolume],
  // Open, so that migrate, or a new deployment, goes on without asking for the passphrase that was just typed.
  leaves: ({ newDeployment }) => (newDeployment === true ? ['volume open', 'application up'] : ['volume open']),
  summary: summarise,
};

function summarise({ from }: View, has: (step: { readonly id: string }) => boolean): Facts {
  const facts: (readonly [string, string])[] = [];
  if (has(checkHeader)) {
    const { cipher, keySizeBits, roles } = from(checkHeader);
    facts.push(['cipher', `${cipher}, ${keySizeBits} bits`], ['key slots', roles.map(({ role, slots }) => `${slots.join(' ')} ${role}`).join(', ')]);
  }
  if (has(backupHeader)) facts.push(['header backup', from(backupHeader).file]);
  if (has(readLeftVolume)) {
    const left = from(readLeftVolume);
    if (left.place !== null) facts.push(['left on the disk', `${left.place}, closed and intact: it is not used by any later run`], ['to remove it', left.removal]);
    return facts;
  }
  if (has(makeFilesystem)) facts.push(['room', `${formatBytes(from(makeFilesystem).availableBytes)}, open and mounted`]);
  if (has(notePrepared)) facts.push(['next', 'lockstep start migrate; or, where there is no database yet, lockstep start setupVolume --new-deployment']);
  return facts;
}
