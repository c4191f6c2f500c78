import { realpath } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { formatBytes } from '../../contract/facts.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { assertAes256Xts, rolesOf, weaknessOf, type LuksHeader } from '../../host/luks/cryptsetup.js';
import { assertTakesData } from '../../host/files/writable.js';
import type { Attempt } from '../activity.js';
import { tellPeople } from '../alerting.js';

/** From here on whoever runs the host is told, as long as growing the volume is no emergency. */
const warnPercent = 80;

/** What the checks found. */
export interface VolumeChecked {
  readonly uuid: string;
  readonly cipher: string;
  readonly roles: readonly string[];
  readonly usedPercent: number;
  readonly availableBytes: number;
}

/**
 * The volume that is mounted is really the encrypted one: a dm-crypt device of the header's own UUID, with AES-256-XTS,
 * writable down to its device (the plan's 1.2, steps 3 and 5.4's check for LUKS). The sentinel was held against the header
 * when it was mounted.
 *
 * @throws {@link PermanentFailure} naming what differs.
 */
export async function checkVolume(attempt: Attempt): Promise<VolumeChecked> {
  const { config, tools } = attempt;
  const { name, mountPoint } = config.volume;
  const device = volumeDevice(config.volume);
  const look = `look at "cryptsetup status ${name}" and "findmnt ${mountPoint}"; nothing is started on it`;
  const status = await tools.cryptsetup.status({ name });
  if (!status.active) throw new PermanentFailure(`${name} is not open`, 'retry: it is opened again');
  const targets = await tools.deviceMapper.readTargets({ name });
  if (targets.length === 0 || targets.some((target) => target !== 'crypt')) {
    throw new PermanentFailure(`/dev/mapper/${name} is no encrypted device: device-mapper has it as ${targets.join(', ') || 'nothing'}, not as crypt`, look);
  }
  if (status.type !== 'LUKS2') throw new PermanentFailure(`${name} is of type ${status.type}, not LUKS2`, look);
  if (status.cipher !== 'aes-xts-plain64' || status.keySizeBits !== 512) {
    throw new PermanentFailure(`${name} is encrypted with ${status.cipher} and ${status.keySizeBits} bits, not with aes-xts-plain64 and 512`, look);
  }
  if (status.readOnly) throw new PermanentFailure(`${name} is open for reading only`, look);
  const below = status.loop ?? status.device;
  if (below !== device && (await realpath(below)) !== (await realpath(device))) throw new PermanentFailure(`${name} lies on ${below}, not on ${device}`, look);
  const header = await tools.cryptsetup.readHeader({ device });
  assertAes256Xts({ device, header });
  await tellOfWeakSlots(attempt, header);
  const mount = await tools.mounts.readMount({ path: mountPoint });
  const mapped = mount && (await tools.mounts.readMappedDevice(mount));
  if (mount === undefined || mapped?.name !== name) throw new PermanentFailure(`${mountPoint} is not the dm-crypt device ${name}`, look);
  if (mapped.luks2Uuid !== header.uuid) throw new PermanentFailure(`${mountPoint} is the LUKS volume ${mapped.luks2Uuid ?? '(none)'}, and ${device} is ${header.uuid}`, look);
  if (!mount.options.includes('rw') || mount.options.includes('ro')) throw new PermanentFailure(`${mountPoint} is mounted read-only`, 'an I/O error makes Linux do that: look at dmesg; mend it, mount it again, then retry');
  await assertTakesData(mountPoint);
  return { uuid: header.uuid, cipher: status.cipher, roles: rolesOf(header).map(({ role, slots }) => `${slots.join(' ')} ${role}`), ...(await checkRoom(attempt)) };
}

/** Users wait for the database: a slot that somebody added by hand is told of, and stops nothing. */
async function tellOfWeakSlots(attempt: Attempt, { slots }: LuksHeader): Promise<void> {
  const { host, volume } = attempt.config;
  const weak = slots.flatMap((each) => {
    const weakness = weaknessOf(each);
    return weakness === undefined ? [] : [`slot ${each.slot} ${weakness}`];
  });
  if (weak.length === 0) return;
  await tellPeople(attempt, { severity: 'warning', subject: `a key of ${volume.name} on ${host} is weak`, text: `${weak.join('; ')}. A rotation of both keys leaves none but strong ones: lockstep start rotateKey --keys both` });
}

async function checkRoom(attempt: Attempt): Promise<Pick<VolumeChecked, 'usedPercent' | 'availableBytes'>> {
  const { config, tools } = attempt;
  const { totalBytes, availableBytes } = await tools.filesystem.readSpace({ path: config.volume.mountPoint });
  // As df counts: what is reserved for root is no room for a database.
  const usedPercent = Math.ceil((1 - availableBytes / totalBytes) * 100);
  if (usedPercent >= warnPercent) {
    await tellPeople(attempt, {
      severity: usedPercent >= 95 ? 'critical' : 'warning',
      subject: `${config.volume.name} on ${config.host} is ${usedPercent} % full`,
      text: `${formatBytes(availableBytes)} of ${formatBytes(totalBytes)} are left; PostgreSQL stops where there is no room. Grow it: lockstep start growVolume`,
    });
  }
  return { usedPercent, availableBytes };
}
