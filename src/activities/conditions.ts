import type { Condition } from '../contract/calls.js';
import { PermanentFailure } from '../contract/errors.js';
import type { Attempt } from './activity.js';
import {
  ensureApplicationHealthy,
  ensureApplicationStopped,
  ensureDatabaseReady,
  ensureDatabaseStopped,
} from './services/ensureServices.js';
import { closeWhereCutOff } from './volume/cutOffReencryption.js';
import { openAndMount } from './volume/openVolume.js';
import { ensureOverlaySelected } from './services/overlay.js';
import { isOnVolume } from './services/overlaySelection.js';
import { assertSourceUntouched } from './source/stoppedSource.js';

const ensures: Readonly<Record<Condition, (attempt: Attempt) => Promise<unknown>>> = {
  'volume open': ensureVolumeOpen,
  'source stopped and unchanged': async (attempt) => {
    await ensureApplicationStopped(attempt);
    await ensureDatabaseStopped(attempt);
    await assertSourceUntouched(attempt);
  },
  'source unchanged': assertSourceUntouched,
  'volume selected': ensureOverlaySelected,
  'database up': ensureDatabaseReady,
  'database stopped': async (attempt) => {
    await ensureApplicationStopped(attempt);
    await ensureDatabaseStopped(attempt);
  },
  'application up': ensureApplicationHealthy,
  'service up': async (attempt) => {
    if (!(await isOnVolume(attempt))) return;
    await ensureVolumeOpen(attempt);
    await ensureApplicationHealthy(attempt);
  },
  'application stopped': ensureApplicationStopped,
};

async function ensureVolumeOpen(attempt: Attempt): Promise<void> {
  await closeWhereCutOff(attempt);
  await openAndMount(attempt, { mounted: true });
}

/** Makes a condition true again, as before each attempt of a node that names it. */
export async function ensureCondition(condition: Condition, attempt: Attempt): Promise<void> {
  const ensure = ensures[condition] as (typeof ensures)[Condition] | undefined;
  if (!ensure) throw new PermanentFailure(`this worker does not know the condition "${condition}"`, 'start the version of Lockstep that started the run');
  await ensure(attempt);
}
