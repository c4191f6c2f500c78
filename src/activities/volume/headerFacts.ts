import { PermanentFailure } from '../../contract/errors.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { assertAes256Xts, rolesOf, weaknessOf, type LuksHeader, type LuksRole } from '../../host/luks/cryptsetup.js';
import type { Attempt } from '../activity.js';

/** The slots in which a new volume gets its keys. */
export const newSlots = { operational: 0, recovery: 1 } as const satisfies Record<LuksRole, number>;

/**
 * What the header says of cipher, slots and roles, for people and for later steps.
 *
 * @throws {@link PermanentFailure} where it is not AES-256-XTS, or a slot is weaker than the plan wants.
 */
export async function readHeaderFacts({ config, tools }: Pick<Attempt, 'config' | 'tools'>) {
  const device = volumeDevice(config.volume);
  const header = await tools.cryptsetup.readHeader({ device });
  assertAes256Xts({ device, header });
  for (const slot of header.slots) {
    const weakness = weaknessOf(slot);
    if (weakness !== undefined) throw new PermanentFailure(`${device}: slot ${slot.slot} ${weakness}`, 'roll back and make the volume anew');
  }
  return {
    uuid: header.uuid,
    cipher: header.cipher,
    keySizeBits: header.keySizeBits,
    sectorSizeBytes: header.sectorSizeBytes,
    slots: header.slots.map(({ slot, kdf }) => ({ slot, kdf: kdf.type, memoryKiB: kdf.memoryKiB ?? 0, ...(kdf.parallel === undefined ? {} : { parallel: kdf.parallel }) })),
    roles: rolesOf(header).map(({ role, slots: held }) => ({ role, slots: held })),
  };
}

/**
 * The slot that a role's token names: numbers change with each rotation.
 *
 * @throws {@link PermanentFailure} where no token names exactly one.
 */
export function slotOfRole(header: LuksHeader, role: LuksRole): number {
  const held = [...new Set(rolesOf(header).flatMap((token) => (token.role === role ? token.slots : [])))];
  const [slot] = held;
  if (slot !== undefined && held.length === 1) return slot;
  throw new PermanentFailure(
    `the header names ${held.length === 0 ? 'no slot' : `the slots ${held.join(' and ')}`} for the role ${role}, where it has to be one`,
    'roll back and make the volume anew',
  );
}
