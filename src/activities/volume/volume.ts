import { chown } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import type { SecretName } from '../../config/schema.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import type { LuksRole } from '../../host/luks/cryptsetup.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { fitExt4Label } from '../../host/disks/filesystem.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import { changes, reads, type Attempt } from '../activity.js';
import { assertUnused } from '../wayBack/carriedSource.js';
import { keepProven } from '../keys/provenSlots.js';
import { isDeployed } from '../services/presentDatabase.js';
import { takeHeaderBackup } from './headerBackup.js';
import { asking, openAndMount, prepareMountPoint, volumeLayout } from './openVolume.js';
import { volumeSizeBytes } from '../source/space.js';
import { assertArgon2idMinimum, fitArgon2id } from './argon2id.js';
import { readDatabaseOwner } from './databaseOwner.js';
import { newSlots, readHeaderFacts, slotOfRole } from './headerFacts.js';
import { keepOwnVolume, needOwnVolume, readOwnVolume } from './ownVolume.js';
import { assertHoldsNothing, isThere } from './preparedVolume.js';
import { assertDeviceSize, clearOwnHeader, describePlace, ensureDeviceEmpty, takePrepared, type WantedSize } from './takePlace.js';
import { assertVolumePlaceFree } from './volumePlace.js';

/** The encrypted volume: made with both keys before the window, since that costs no one's time. */
export const volumeActivities = {
  /**
   * Allocates the file fully, or takes the block device, whole; a volume that was prepared and holds nothing is opened instead.
   *
   * @param size - Of the volume to be made: the database plus growth and never less than the configured minimum, or as decided.
   */
  createVolumeFile: changes('VOLUME_FILE_CREATE', async (attempt, size: WantedSize) => {
    const { config, tools } = attempt;
    const sizeBytes = 'sizeBytes' in size ? size.sizeBytes : volumeSizeBytes(config.volume, size.databaseBytes);
    const own = await readOwnVolume(attempt);
    if (own?.isPrepared === true) return takePrepared(attempt, size);
    if (own !== undefined && (await isThere(attempt))) return describePlace(attempt);
    const { isPrepared } = await assertVolumePlaceFree(attempt, { mayBePrepared: true });
    if (isPrepared) return takePrepared(attempt, size);
    await keepOwnVolume(attempt, { path: volumeDevice(config.volume), sizeBytes });
    if (config.volume.device === undefined) await tools.volumeFile.allocate({ path: config.volume.file, sizeBytes });
    else await assertDeviceSize(attempt, config.volume.device, sizeBytes);
    return describePlace(attempt);
  }),

  /** Writes the LUKS2 header with the operational passphrase in slot 0. */
  formatVolume: changes('VOLUME_FORMAT', async (attempt) => {
    const { config, tools } = attempt;
    const own = await needOwnVolume(attempt);
    if (own.isPrepared === true) return readHeaderFacts(attempt);
    const device = volumeDevice(config.volume);
    const passphrase = await attempt.secret('operationalPassphrase', 'the NEW operational passphrase of the volume (slot 0, daily use)', { isNew: true });
    await assertUnlikeBackups(attempt, 'operationalPassphrase', passphrase);
    if (!(await isThere(attempt))) {
      // Killed between the two calls below.
      await tools.volumeFile.allocate({ path: device, sizeBytes: own.sizeBytes });
    } else if ((await tools.cryptsetup.isLuks({ device })).isLuks) {
      if ((await tools.cryptsetup.testPassphrase({ device, passphrase, slot: newSlots.operational })).matches) return readHeaderFacts(attempt);
      await assertUnused(attempt, 'making it anew');
      await clearOwnHeader(attempt, own);
    } else if (config.volume.device !== undefined) {
      await ensureDeviceEmpty(attempt, own);
    }
    await tools.cryptsetup.format({ device, passphrase, label: config.volume.name, argon2id: await fitArgon2id(attempt) });
    return readHeaderFacts(attempt);
  }),

  /** Adds the recovery passphrase in slot 1, and writes both roles into the header as tokens. */
  addRecoveryKey: changes('KEY_ADD', async (attempt) => {
    const { config, tools, call } = attempt;
    const device = volumeDevice(config.volume);
    if ((await needOwnVolume(attempt)).isPrepared === true) return { slot: slotOfRole(await tools.cryptsetup.readHeader({ device }), 'recovery') };
    const existing = await attempt.secret('operationalPassphrase', 'the operational passphrase, to add the recovery passphrase');
    const added = await attempt.secret('recoveryPassphrase', 'the NEW recovery passphrase of the volume (slot 1, for the safe)', { isNew: true });
    if (existing.equals(added)) {
      attempt.refuseSecret('recoveryPassphrase', 'the recovery passphrase must differ from the operational one: type another NEW recovery passphrase', true);
    }
    await assertUnlikeBackups(attempt, 'recoveryPassphrase', added);
    const present = await tools.cryptsetup.testPassphrase({ device, passphrase: added, slot: newSlots.recovery });
    const isFilled = (await tools.cryptsetup.readHeader({ device })).slots.some(({ slot }) => slot === newSlots.recovery);
    if (!present.matches && isFilled) {
      return attempt.refuseSecret('recoveryPassphrase', `slot ${newSlots.recovery} has a recovery passphrase already, and that is another one: the one that was typed first, please; where nobody has it, answer that it is unavailable and roll back: nothing is on the volume yet`);
    }
    if (!present.matches) {
      await asking(attempt, 'operationalPassphrase', () =>
        fitArgon2id(attempt).then((argon2id) => tools.cryptsetup.addKey({ device, existing, added, slot: newSlots.recovery, argon2id })),
      );
    }
    for (const role of ['operational', 'recovery'] as const) {
      await tools.cryptsetup.addRoleToken({ device, slot: newSlots[role], role, runName: `${call.workflowId} ${call.runId}` });
    }
    return { slot: newSlots.recovery };
  }),

  /** AES-256-XTS, and for each role one argon2id slot that costs at least the minimum, read back from the header. */
  assertHeader: reads(async (attempt) => {
    const { config, tools } = attempt;
    const { minimumMemoryKiB } = config.volume.argon2id;
    const header = await tools.cryptsetup.readHeader({ device: volumeDevice(config.volume) });
    for (const role of ['operational', 'recovery'] as const) {
      const held = slotOfRole(header, role);
      const slot = header.slots.find((each) => each.slot === held);
      if (slot === undefined) throw new PermanentFailure(`slot ${held}, which has the role ${role}, is not in the header`, 'roll back and make the volume anew');
      assertArgon2idMinimum(slot, minimumMemoryKiB);
    }
    // Absent in what runs of earlier versions recorded.
    const minimum: { readonly minimumMemoryKiB?: number } = { minimumMemoryKiB };
    return { ...(await readHeaderFacts(attempt)), ...minimum };
  }),

  /**
   * A passphrase typed anew from where it is stored opens its own slot: the plan's "must unlock the
   * volume before storing", turned round. One that lockstep.yaml takes from elsewhere is read from there.
   */
  confirmPassphrase: reads(async (attempt, { role }: { readonly role: LuksRole }) => {
    const name: SecretName = role === 'operational' ? 'operationalPassphrase' : 'recoveryPassphrase';
    const from = role === 'operational' ? 'the password manager' : 'the printed sheet';
    const passphrase = await attempt.secret(name, `the ${role} passphrase once more, read from ${from}`, { fresh: true });
    const device = volumeDevice(attempt.config.volume);
    const slot = slotOfRole(await attempt.tools.cryptsetup.readHeader({ device }), role);
    const answer = await attempt.tools.cryptsetup.testPassphrase({ device, passphrase, slot });
    if (!answer.matches) {
      await attempt.audit('PASSPHRASE_WRONG', { slot }, attempt.giverOf(name), attempt.occurrence);
      return attempt.refuseSecret(name, `that does not open slot ${slot}: the ${role} passphrase once more, read from ${from}`);
    }
    await keepProven(attempt, answer.slot);
    return { slot: answer.slot, typed: attempt.giverOf(name) !== undefined };
  }),

  /** ext4 with label, subdirectory of the database's user, sentinel; the bare mount point can not take data. */
  makeFilesystem: changes('FILESYSTEM_CREATE', async (attempt) => {
    const { config, tools, call } = attempt;
    const { isPrepared = false } = await needOwnVolume(attempt);
    await openAndMount(attempt, { mounted: isPrepared });
    const layout = volumeLayout(config);
    const { uuid: luksUuid } = await tools.cryptsetup.readHeader({ device: volumeDevice(config.volume) });
    if (isPrepared) {
      await assertHoldsNothing(attempt);
    } else {
      const { uuid } = await tools.filesystem.makeExt4({ device: layout.device, label: fitExt4Label(config.volume.name) });
      await prepareMountPoint(attempt);
      await tools.mounts.mount({ device: layout.device, path: config.volume.mountPoint, options: ['noatime'] });
      await ensureDirectory(layout.dataDirectory, 0o700);
      const sentinel = { volume: luksUuid, filesystem: uuid, runId: call.runId };
      await ensureTextFile({ path: layout.sentinel, content: `${JSON.stringify(sentinel)}\n`, mode: 0o444 });
    }
    const owner = (await isDeployed(attempt)) ? await readDatabaseOwner(attempt) : undefined;
    if (owner !== undefined) await chown(layout.dataDirectory, owner.uid, owner.gid);
    await tools.filesystem.syncFilesystem({ path: config.volume.mountPoint });
    const found = await tools.filesystem.readFilesystem({ device: layout.device });
    const space = await tools.filesystem.readSpace({ path: config.volume.mountPoint });
    return {
      filesystem: found?.uuid ?? '',
      ...(found?.label === undefined ? {} : { label: found.label }),
      volume: luksUuid,
      availableBytes: space.availableBytes,
      ...(owner === undefined ? {} : { owner: `${owner.uid}:${owner.gid}` }),
    };
  }),

  /** Saves the header, with its digest, and proves that the backup opens. */
  backupHeader: changes('HEADER_BACKUP', async (attempt) => {
    const { config, tools } = attempt;
    const device = volumeDevice(config.volume);
    const passphrase = await attempt.secret('operationalPassphrase', 'the operational passphrase, to prove the header backup');
    const backup = await takeHeaderBackup(attempt);
    const { file } = backup;
    const answer = await tools.cryptsetup.testHeaderBackup({ device, file, passphrase });
    if (!answer.matches) {
      // Typed anew, since a worker was killed, it may be mistyped.
      if (!(await tools.cryptsetup.testPassphrase({ device, passphrase })).matches) {
        await attempt.audit('PASSPHRASE_WRONG', {}, attempt.giverOf('operationalPassphrase'), attempt.occurrence);
        return attempt.refuseSecret('operationalPassphrase', 'that opens no slot: the operational passphrase, to prove the header backup');
      }
      throw new PermanentFailure(`the header backup ${file} does not open with the operational passphrase`, 'check the disk under it, remove the file, then retry');
    }
    return { ...backup, slot: answer.slot };
  }),

  /** The way back: closed, intact, and left for investigation. */
  closeVolume: changes('VOLUME_LOCK', async ({ config, tools }) => {
    await tools.mounts.unmount({ path: config.volume.mountPoint });
    await tools.cryptsetup.close({ name: config.volume.name });
    return { closed: config.volume.name };
  }),
};

/**
 * Who finds a backup's passphrase must not have the volume's with it: the plan's defense in depth, 1.4.
 *
 * @throws SecretNeeded for another new one.
 */
export async function assertUnlikeBackups(attempt: Attempt, name: SecretName, passphrase: Buffer): Promise<void> {
  const ofBackups = await attempt.secret('backupPassphrase', "the passphrase of the backups, to see that the volume's is another");
  if (!ofBackups.equals(passphrase)) return;
  attempt.refuseSecret(name, 'that is the passphrase of the backups: type another NEW one for the volume', true);
}
