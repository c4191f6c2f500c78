import { hostConfig } from '../../../src/rehearsal/hostConfig.js';
import { emergencyAccess } from '../../../src/workflows/emergencyAccess.js';
import { growVolume } from '../../../src/workflows/growVolume.js';
import { removeGate } from '../../../src/workflows/keys/exchange.js';
import { rotateKey } from '../../../src/workflows/rotateKey.js';
import { setupVolume } from '../../../src/workflows/setupVolume.js';
import { shutdown } from '../../../src/workflows/shutdown.js';
import { startup } from '../../../src/workflows/startup.js';
import type { Course, ServiceExpected } from './course.js';
import { typed } from './keyring.js';
import { readKeyState } from './keyState.js';
import { createKeyWatch } from './keyWatch.js';
import { beginAnew, fillDatabase } from './newDatabase.js';

const up: ServiceExpected = { upAtQuestions: true, upAfter: true };

/** From the first passphrase on: a volume with a new deployment on it, its growth, its keys, and its locking. */
export const keys: Course = {
  name: 'keys',
  title: 'A volume and its keys',
  words:
    'Every place of a volume that is set up with a new deployment on it, of its growth, of a rotation of both keys with a tested restart and a new volume key, of one that goes back where the old keys would be removed, ' +
    'of an emergency access, of a shutdown, of the start-up behind it, and of an emergency rotation. ' +
    'Compared at the end of each run: the states of all nodes, which passphrase opens the slot of which role by cryptsetup itself, header backups and what opens the volume with them, sizes of every layer, whether the volume is open, mounted and in use, ' +
    "marks in the state directory, what Compose has selected, the digests of every row that the client had not sent, each audit event once, no acknowledged operation lost, nothing left behind. And at every place, before, in the middle and after, and behind each fault: never fewer than two key slots once two were proven, never an unlocked volume that neither a run knows of nor the service runs on; after a boot nobody is asked anything while users are offline and nobody is asked for the passphrase. A start-up that the worker begins by itself, where the power went while no run held the host, is answered with the passphrase of that moment.",
  config: () => {
    const { volume } = hostConfig({ firstHourSeconds: 0, daySeconds: 0 });
    return { volume: { ...(volume as object), minimumSizeMiB: 512 } };
  },
  runs: [
    { runbook: setupVolume, input: { newDeployment: true }, ends: 'succeeded', secrets: typed('set up'), prepare: beginAnew, service: { upAtQuestions: false, upAfter: true } },
    { runbook: growVolume, ends: 'succeeded', secrets: typed('set up'), prepare: fillDatabase, sends: true, service: up },
    { runbook: rotateKey, input: { keys: 'both', reason: 'incident', leak: true }, ends: 'succeeded', secrets: typed('set up', 'rotated'), service: up },
    { runbook: rotateKey, input: { keys: 'both', reason: 'personnel' }, noGoAt: removeGate.id, ends: 'rolled back', secrets: typed('rotated', 'withdrawn'), service: up },
    // Whoever has lost the operational passphrase cannot be asked for it.
    { runbook: emergencyAccess, ends: 'succeeded', secrets: typed('rotated', 'after the access'), service: { ...up, downAt: ['reason', 'witnesses', 'envelope-opened'] } },
    { runbook: shutdown, ends: 'succeeded', secrets: typed('after the access'), service: { ...up, upAfter: false } },
    { runbook: startup, ends: 'succeeded', secrets: typed('after the access'), service: up },
    { runbook: rotateKey, input: { keys: 'both', reason: 'incident', emergency: true }, ends: 'succeeded', secrets: typed('after the access', 'of the emergency'), service: up },
  ],
  longNodes: new Set(['initialise-database', 'reencrypt']),
  countedPlaces: [],
  readHost: readKeyState,
  watch: createKeyWatch,
};
