import { rm } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import type { SecretName } from '../../config/schema.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { assertAes256Xts, rolesOf, type LuksRole } from '../../host/luks/cryptsetup.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { fitExt4Label } from '../../host/disks/filesystem.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import { changes, reads, type Attempt } from '../activity.js';
import { assertUnused } from '../wayBack/carriedSource.js';
import { keepProven } from '../keys/provenSlots.js';
import { takeHeaderBackup } from './headerBackup.js';
import { asking, openAndMount, prepareMountPoint, volumeLayout } from './openVolume.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { volumeSizeBytes } from '../source/space.js';

/** What this run has done to the volume file: kept before it acts, so that a killed attempt knows its own. */
interface OwnVolume {
  readonly path: string;
  readonly sizeBytes: number;
}

const slots = { operational: 0, recovery: 1 } as const;

/** The encrypted volume: made with both keys before the window, since that costs no one's time. */
export const volumeActivities = {
  /** Allocates the file fully: the database plus growth, never less than the configured minimum. */
  createVolumeFile: changes('VOLUME_FILE_CREATE', async (attempt, { databaseBytes }: { readonly databaseBytes: number }) => {
    const { config, tools } = attempt;
    const { file } = config.volume;
    const sizeBytes = volumeSizeBytes(config.volume, databaseBytes);
    const own = await readFact<OwnVolume>(attempt, 'volume');
    const present = await tools.volumeFile.readVolumeFile({ path: file });
    if (present !== undefined && own?.path === file) {
      return { file, sizeBytes: present.sizeBytes, allocatedBytes: present.allocatedBytes };
    }
    await assertVolumePathFree(attempt);
    await keepFact(attempt, 'volume', { path: file, sizeBytes } satisfies OwnVolume);
    const made = await tools.volumeFile.allocate({ path: file, sizeBytes });
    return { file, sizeBytes: made.sizeBytes, allocatedBytes: made.allocatedBytes };
  }),

  /** Writes the LUKS2 header with the operational passphrase in slot 0. */
  formatVolume: changes('VOLUME_FORMAT', async (attempt) => {
    const { config, tools } = attempt;
    const { file, name } = config.volume;
    const own = await readFact<OwnVolume>(attempt, 'volume');
    if (own?.path !== file) throw new PermanentFailure(`${file} was not made by this run`, 'roll back and start again');
    const passphrase = await attempt.secret('operationalPassphrase', 'the NEW operational passphrase of the volume (slot 0, daily use)', { isNew: true });
    await assertUnlikeBackups(attempt, 'operationalPassphrase', passphrase);
    if ((await tools.volumeFile.readVolumeFile({ path: file })) === undefined) {
      // Killed between the two calls below.
      await tools.volumeFile.allocate({ path: file, sizeBytes: own.sizeBytes });
    } else if ((await tools.cryptsetup.isLuks({ device: file })).isLuks) {
      if ((await tools.cryptsetup.testPassphrase({ device: file, passphrase, slot: slots.operational })).matches) return facts(attempt);
      await assertUnused(attempt, 'making it anew');
      // A killed attempt left a header that nobody can open; the volume is this run's own and still empty.
      await rm(file);
      await tools.volumeFile.allocate({ path: file, sizeBytes: own.sizeBytes });
    }
    await tools.cryptsetup.format({ device: file, passphrase, label: name, argon2id: await fitArgon2id(attempt) });
    return facts(attempt);
  }),

  /** Adds the recovery passphrase in slot 1, and writes both roles into the header as tokens. */
  addRecoveryKey: changes('KEY_ADD', async (attempt) => {
    const { config, tools, call } = attempt;
    const device = volumeDevice(config.volume);
    const existing = await attempt.secret('operationalPassphrase', 'the operational passphrase, to add the recovery passphrase');
    const added = await attempt.secret('recoveryPassphrase', 'the NEW recovery passphrase of the volume (slot 1, for the safe)', { isNew: true });
    if (existing.equals(added)) {
      attempt.refuseSecret('recoveryPassphrase', 'the recovery passphrase must differ from the operational one: type another NEW recovery passphrase', true);
    }
    await assertUnlikeBackups(attempt, 'recoveryPassphrase', added);
    const present = await tools.cryptsetup.testPassphrase({ device, passphrase: added, slot: slots.recovery });
    if (!present.matches) {
      await asking(attempt, 'operationalPassphrase', () =>
        fitArgon2id(attempt).then((argon2id) => tools.cryptsetup.addKey({ device, existing, added, slot: slots.recovery, argon2id })),
      );
    }
    for (const role of ['operational', 'recovery'] as const) {
      await tools.cryptsetup.addRoleToken({ device, slot: slots[role], role, runName: `${call.workflowId} ${call.runId}` });
    }
    return { slot: slots.recovery };
  }),

  /** AES-256-XTS, two argon2id slots and their roles, read back from the header. */
  assertHeader: reads(async (attempt) => {
    const header = await facts(attempt);
    for (const role of ['operational', 'recovery'] as const) {
      const token = header.roles.find((each) => each.role === role);
      if (token?.slots.includes(slots[role]) !== true) {
        throw new PermanentFailure(`slot ${slots[role]} does not have the role ${role} in the header`, 'roll back and make the volume anew');
      }
      if (header.slots.find(({ slot }) => slot === slots[role])?.kdf !== 'argon2id') {
        throw new PermanentFailure(`slot ${slots[role]} does not hold an argon2id key`, 'roll back and make the volume anew');
      }
    }
    return header;
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
    const answer = await attempt.tools.cryptsetup.testPassphrase({ device, passphrase, slot: slots[role] });
    if (!answer.matches) {
      await attempt.audit('PASSPHRASE_WRONG', { slot: slots[role] }, attempt.giverOf(name), attempt.occurrence);
      return attempt.refuseSecret(name, `that does not open slot ${slots[role]}: the ${role} passphrase once more, read from ${from}`);
    }
    await keepProven(attempt, answer.slot);
    return { slot: answer.slot, typed: attempt.giverOf(name) !== undefined };
  }),

  /** ext4 with label, subdirectory, sentinel; the bare mount point can not take data. */
  makeFilesystem: changes('FILESYSTEM_CREATE', async (attempt) => {
    const { config, tools, call } = attempt;
    await openAndMount(attempt, { mounted: false });
    const layout = volumeLayout(config);
    const { uuid } = await tools.filesystem.makeExt4({ device: layout.device, label: fitExt4Label(config.volume.name) });
    await prepareMountPoint(attempt);
    await tools.mounts.mount({ device: layout.device, path: config.volume.mountPoint, options: ['noatime'] });
    await ensureDirectory(layout.dataDirectory, 0o700);
    const { uuid: luksUuid } = await tools.cryptsetup.readHeader({ device: volumeDevice(config.volume) });
    const sentinel = { volume: luksUuid, filesystem: uuid, runId: call.runId };
    await ensureTextFile({ path: layout.sentinel, content: `${JSON.stringify(sentinel)}\n`, mode: 0o444 });
    await tools.filesystem.syncFilesystem({ path: config.volume.mountPoint });
    const space = await tools.filesystem.readSpace({ path: config.volume.mountPoint });
    return { filesystem: uuid, volume: luksUuid, availableBytes: space.availableBytes };
  }),

  /** Saves the header, with its digest, and proves that the backup opens. */
  backupHeader: changes('HEADER_BACKUP', async (attempt) => {
    const { config, tools } = attempt;
    const device = volumeDevice(config.volume);
    const passphrase = await attempt.secret('operationalPassphrase', 'the operational passphrase, to prove the header backup');
    const backup = await takeHeaderBackup(attempt);
    const { file } = backup;
    const answer = await tools.cryptsetup.testHeaderBackup({ device, file, passphrase });
    if (!answer.matches) throw new PermanentFailure(`the header backup ${file} does not open with the operational passphrase`, 'check the disk under it, then retry');
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

/** @throws {@link PermanentFailure} when a file is there that this run did not make. */
export async function assertVolumePathFree({ config, tools }: Attempt): Promise<void> {
  const { file, name, mountPoint } = config.volume;
  const present = (await tools.volumeFile.readVolumeFile({ path: file })) !== undefined;
  if ((await tools.cryptsetup.status({ name })).active) {
    throw new PermanentFailure(
      `/dev/mapper/${name} is already open${present ? `, and ${file} is there: this host may have been migrated already` : ''}`,
      'roll back: if the database lies on it there is nothing to migrate; otherwise choose another volume.name and volume.file',
    );
  }
  if ((await tools.mounts.readMount({ path: mountPoint })) !== undefined) {
    throw new PermanentFailure(`something is already mounted on ${mountPoint}`, `choose another volume.mountPoint, or unmount it: umount ${mountPoint}`);
  }
  if (!present) return;
  throw new PermanentFailure(
    `${file} already exists and is not this run's${await describeVolume(tools, file)}`,
    `look whose it is; only where nothing on it is needed, move it away: mv ${file} ${file}.old`,
  );
}

/** Whose volume it is, by the tokens in its header: the state directory may be gone. */
async function describeVolume({ cryptsetup }: Attempt['tools'], device: string): Promise<string> {
  if (!(await cryptsetup.isLuks({ device })).isLuks) return '';
  const [token] = rolesOf(await cryptsetup.readHeader({ device }));
  const whose = token === undefined ? '' : `, made by ${token.run}`;
  return ` (it is a LUKS volume${whose}: of a migration that is done, or of a run that was rolled back)`;
}

/** Fitted down to half of what is free now, so that opening never drives the database out of memory. */
export async function fitArgon2id({ config, tools }: Attempt) {
  const { memoryKiB, minimumMemoryKiB, parallel, iterationMilliseconds } = config.volume.argon2id;
  const { availableBytes } = await tools.system.readMemory();
  const { cpus } = await tools.system.readProcessor();
  const fitted = Math.min(memoryKiB, Math.floor(availableBytes / 2 / 1024));
  if (fitted < minimumMemoryKiB) {
    throw new PermanentFailure(
      `argon2id could use ${fitted} KiB on this host (minimum ${minimumMemoryKiB} KiB)`,
      'free memory, or lower volume.argon2id.minimumMemoryKiB knowing what that costs',
    );
  }
  return { memoryKiB: fitted, parallel: Math.min(parallel, cpus), iterationMilliseconds };
}

async function facts({ config, tools }: Attempt) {
  const device = volumeDevice(config.volume);
  const header = await tools.cryptsetup.readHeader({ device });
  assertAes256Xts({ device, header });
  return {
    uuid: header.uuid,
    cipher: header.cipher,
    keySizeBits: header.keySizeBits,
    sectorSizeBytes: header.sectorSizeBytes,
    slots: header.slots.map(({ slot, kdf }) => ({ slot, kdf: kdf.type, memoryKiB: kdf.memoryKiB ?? 0 })),
    roles: rolesOf(header).map(({ role, slots: held }) => ({ role, slots: held })),
  };
}
