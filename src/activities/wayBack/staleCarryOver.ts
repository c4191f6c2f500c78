import type { Attempt } from '../activity.js';
import { giveUpCarryOver, isCarriedOver } from './carriedSource.js';
import { openAndMount } from '../volume/openVolume.js';
import { isOverlaySelected } from '../services/overlaySelection.js';
import { isVolumeAsStopped } from '../source/stoppedSource.js';

/**
 * As long as Compose would start the database on the encrypted volume, somebody may have done so by hand since its
 * files were carried over, and users may have written there. Then the copy lacks that: it leaves the source's place
 * again, and the journal says so.
 *
 * @returns Whether that was so. Asks for a passphrase where the volume is locked.
 */
export async function voidStaleCarryOver(attempt: Attempt): Promise<boolean> {
  if (!(await isCarriedOver(attempt)) || !(await isOverlaySelected(attempt))) return false;
  await openAndMount(attempt, { mounted: true });
  if (await isVolumeAsStopped(attempt)) return false;
  await giveUpCarryOver(attempt);
  return true;
}
