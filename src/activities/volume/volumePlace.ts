import { volumeDevice } from '../../config/volumeDevice.js';
import { PermanentFailure } from '../../contract/errors.js';
import { rolesOf } from '../../host/luks/cryptsetup.js';
import type { Attempt } from '../activity.js';
import { assertDeviceEmpty } from './emptyDevice.js';
import { assertHoldsNothing, readPrepared } from './preparedVolume.js';

type OnHost = Pick<Attempt, 'config' | 'tools'>;

/**
 * Nothing is where the volume is to be made; or, where that may be used, a volume that was prepared and holds nothing.
 *
 * @param mayBePrepared - False: a prepared one is refused as well.
 * @throws {@link PermanentFailure} when something is there.
 */
export async function assertVolumePlaceFree(attempt: OnHost, { mayBePrepared }: { readonly mayBePrepared: boolean }): Promise<{ readonly isPrepared: boolean }> {
  const { config, tools } = attempt;
  const { file, device, name, mountPoint } = config.volume;
  const place = volumeDevice(config.volume);
  const prepared = await readPrepared(attempt);
  const mapping = await tools.cryptsetup.status({ name });
  const mount = await tools.mounts.readMount({ path: mountPoint });
  if (prepared !== undefined && mayBePrepared) {
    const mapped = mount && (await tools.mounts.readMappedDevice({ deviceNumber: mount.deviceNumber }));
    if (mount === undefined || mapped?.luks2Uuid === prepared.uuid) {
      if (mount !== undefined) await assertHoldsNothing(attempt);
      return { isPrepared: true };
    }
  }
  if (prepared !== undefined && !mayBePrepared) {
    throw new PermanentFailure(
      `${place} was prepared by setupVolume already, ${prepared.at}, and waits for a database`,
      'go on with "lockstep start migrate", or with "lockstep start setupVolume --new-deployment" where there is no database yet',
    );
  }
  const present = device === undefined && (await tools.volumeFile.readVolumeFile({ path: file })) !== undefined;
  if (mapping.active) {
    throw new PermanentFailure(
      `/dev/mapper/${name} is already open${present ? `, and ${file} is there: this host may have been migrated already` : ''}`,
      'roll back: if the database lies on it there is nothing to migrate; otherwise choose another volume.name and volume.file',
    );
  }
  if (mount !== undefined) {
    throw new PermanentFailure(`something is already mounted on ${mountPoint}`, `choose another volume.mountPoint, or unmount it: umount ${mountPoint}`);
  }
  if (device !== undefined) {
    await assertDeviceEmpty(attempt, device, await describeVolume(attempt, device));
  } else if (present) {
    throw new PermanentFailure(
      `${file} already exists and is not this run's${await describeVolume(attempt, file)}`,
      `look whose it is; only where nothing on it is needed, move it away: mv ${file} ${file}.old`,
    );
  }
  return { isPrepared: false };
}

/** Whose volume it is, by the tokens in its header: the state directory may be gone. */
async function describeVolume({ tools: { cryptsetup, blockDevices }, config }: OnHost, place: string): Promise<string> {
  if (config.volume.device !== undefined && (await blockDevices.readDevice({ device: place })) === undefined) return '';
  if (!(await cryptsetup.isLuks({ device: place })).isLuks) return '';
  const [token] = rolesOf(await cryptsetup.readHeader({ device: place }));
  const whose = token === undefined ? '' : `, made by ${token.run}`;
  return ` (it is a LUKS volume${whose}: of a migration that is done, or of a run that was rolled back)`;
}
