import type { Attempt } from '../activity.js';
import { tellPeople } from '../alerting.js';
import { ensureApplicationStopped, ensureDatabaseStopped } from '../services/ensureServices.js';
import { isOnVolume } from '../services/overlaySelection.js';

/**
 * Closes a volume whose re-encryption was killed with its worker: until it is opened anew, which mends the piece that was
 * cut off, part of it answers nobody. What an earlier attempt had started has ended when this is reached.
 *
 * @throws where a re-encryption is at work, which then is somebody's by hand: it is waited for, and never cut off from here.
 */
export async function closeWhereCutOff(attempt: Attempt): Promise<void> {
  const { config, tools } = attempt;
  const { name, mountPoint } = config.volume;
  const layers = await tools.cryptsetup.readReencryptionLayers({ name });
  if (layers.length === 0) return;
  const process = await tools.cryptsetup.findReencryptProcess();
  if (process !== undefined) throw new Error(`${name} is being re-encrypted by process ${process} (cryptsetup reencrypt); let that end, then retry`);
  // First of all: neither the database nor an unmount would ever end.
  await tools.cryptsetup.failSuspendedPiece({ layers });
  if (await isOnVolume(attempt)) {
    await tellPeople(attempt, {
      severity: 'critical',
      subject: `users of ${config.host} are offline: the re-encryption of ${name} was cut off`,
      text: `cryptsetup was killed in the middle of it (${layers.join(', ')}); ${name} is closed, opened again with its passphrase, which mends that, and the service started again; then the re-encryption goes on`,
    });
    await ensureApplicationStopped(attempt);
    await ensureDatabaseStopped(attempt);
  }
  await tools.mounts.unmount({ path: mountPoint });
  await tools.cryptsetup.close({ name });
}
