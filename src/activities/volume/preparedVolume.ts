import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { syncDirectoryOf } from '../../host/files/durable.js';
import { ensureTextFile, readTextFile } from '../../host/files/textFile.js';
import type { Attempt } from '../activity.js';
import { volumeLayout } from './openVolume.js';

/** A volume that `setupVolume` has made and proven, with both keys confirmed, and that nobody has put data on. */
export interface PreparedVolume {
  readonly device: string;
  /** Of its LUKS header. */
  readonly uuid: string;
  /** ISO time. */
  readonly at: string;
  readonly runId: string;
}

type OnHost = Pick<Attempt, 'config' | 'tools'>;

/** Notes that the volume waits for a database, in the state directory: the run's own directory belongs to the run. */
export async function notePrepared(attempt: Attempt): Promise<PreparedVolume> {
  await assertHoldsNothing(attempt);
  const device = volumeDevice(attempt.config.volume);
  const { uuid } = await attempt.tools.cryptsetup.readHeader({ device });
  const prepared: PreparedVolume = { device, uuid, at: attempt.now().toISOString(), runId: attempt.call.runId };
  await ensureTextFile({ path: notePath(attempt), content: `${JSON.stringify(prepared, null, 2)}\n`, mode: 0o600 });
  return prepared;
}

/** Nobody takes the volume for prepared any more. */
export async function forgetPrepared(attempt: Pick<Attempt, 'config'>): Promise<void> {
  if ((await readTextFile(notePath(attempt))) === undefined) return;
  await rm(notePath(attempt));
  await syncDirectoryOf(notePath(attempt));
}

/** The volume where lockstep.yaml has it, if it is the very one that was prepared; undefined for any other, or none. */
export async function readPrepared({ config, tools }: OnHost): Promise<PreparedVolume | undefined> {
  const text = await readTextFile(notePath({ config }));
  const device = volumeDevice(config.volume);
  const prepared = text === undefined ? undefined : (JSON.parse(text) as PreparedVolume);
  if (prepared?.device !== device || !(await isThere({ config, tools }))) return undefined;
  if (!(await tools.cryptsetup.isLuks({ device })).isLuks) return undefined;
  return (await tools.cryptsetup.readHeader({ device })).uuid === prepared.uuid ? prepared : undefined;
}

/** Whether the file, or the device, is there at all. */
export async function isThere({ config, tools }: OnHost): Promise<boolean> {
  const { device, file } = config.volume;
  const found = device === undefined ? await tools.volumeFile.readVolumeFile({ path: file }) : await tools.blockDevices.readDevice({ device });
  return found !== undefined;
}

/**
 * The mounted volume holds what `setupVolume` leaves on it, and nothing else.
 *
 * @throws {@link PermanentFailure} that names what else is there.
 */
export async function assertHoldsNothing({ config }: Pick<Attempt, 'config'>): Promise<void> {
  const { mountPoint } = config.volume;
  const { dataDirectory, sentinel } = volumeLayout(config);
  const own = ['lost+found', basename(dataDirectory), basename(sentinel)];
  const others = (await readdir(mountPoint)).filter((name) => !own.includes(name));
  const found = [...others.map((name) => join(mountPoint, name)), ...(await readdir(dataDirectory)).map((name) => join(dataDirectory, name))];
  if (found[0] === undefined) return;
  throw new PermanentFailure(`the volume on ${mountPoint} holds data already (${found[0]})`, 'nothing is put over it: choose another volume.name, volume.mountPoint and volume.file or volume.device');
}

function notePath({ config }: Pick<Attempt, 'config'>): string {
  return join(config.stateDirectory, 'prepared-volume.json');
}
