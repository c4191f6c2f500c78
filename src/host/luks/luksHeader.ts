import { open } from 'node:fs/promises';
import { z } from 'zod';
import { PermanentFailure } from '../../contract/errors.js';
import { explain } from '../failure.js';
import type { Run } from '../processes/runner.js';

/** How a key slot derives its key from a passphrase. */
export interface LuksKdf {
  readonly type: string;
  /** Argon2 only. */
  readonly memoryKiB?: number;
  /** Passes over the memory; Argon2 only. */
  readonly passes?: number;
  /** Threads; Argon2 only. */
  readonly parallel?: number;
}

/** A key slot, which holds the volume key, or during a re-encryption the old or the new one. */
export interface LuksKeySlot {
  readonly slot: number;
  /**
   * The slot's key decrypts data. A re-encryption that was cut off before it began leaves a slot that
   * answers to a passphrase and opens nothing.
   */
  readonly opensVolume: boolean;
  readonly keySizeBits: number;
  /** What protects the volume key inside the slot. */
  readonly areaCipher: string;
  readonly areaKeySizeBits: number;
  readonly kdf: LuksKdf;
}

/** A token of the header, with the slots that it names. */
export interface LuksToken {
  readonly tokenId: number;
  readonly type: string;
  readonly slots: readonly number[];
  /** The token's further fields, as they are. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a LUKS2 header says of its volume. */
export interface LuksHeader {
  readonly uuid: string;
  /** For example `aes-xts-plain64`. */
  readonly cipher: string;
  /** The smallest key of any slot; XTS splits it in two, so AES-256 has 512 here. */
  readonly keySizeBits: number;
  readonly sectorSizeBytes: number;
  /** Where the encrypted data begins. */
  readonly dataOffsetBytes: number;
  readonly slots: readonly LuksKeySlot[];
  readonly tokens: readonly LuksToken[];
  /** What an implementation must know to handle the volume, for example `online-reencrypt-v2`. */
  readonly requirements: readonly string[];
  /** Of the keys that data is encrypted with: tells one volume key from another, and nothing of it. */
  readonly volumeKeyDigests: readonly string[];
  /** A re-encryption began and has not finished: slots exist twice, for the old key and the new one. */
  readonly reencrypting: boolean;
}

const decimal = z.string().regex(/^\d+$/).transform(Number);
const keySlotSchema = z.object({
  type: z.string(),
  key_size: z.number(),
  area: z.object({ encryption: z.string().optional(), key_size: z.number().optional() }),
  kdf: z
    .object({ type: z.string(), memory: z.number().optional(), time: z.number().optional(), cpus: z.number().optional() })
    .optional(),
});
const metadataSchema = z.object({
  keyslots: z.record(decimal, keySlotSchema),
  tokens: z.record(decimal, z.looseObject({ type: z.string(), keyslots: z.array(decimal) })),
  segments: z.record(
    decimal,
    z.object({
      type: z.string(),
      offset: decimal,
      encryption: z.string().optional(),
      sector_size: z.number().optional(),
      flags: z.array(z.string()).optional(),
    }),
  ),
  digests: z.record(decimal, z.object({ keyslots: z.array(decimal), segments: z.array(decimal), digest: z.string() })),
  config: z.object({ requirements: z.object({ mandatory: z.array(z.string()) }).optional() }),
});

/** Reads of a LUKS header; nothing here changes it or needs a passphrase. */
export function createLuksHeader({ run }: { readonly run: Run }) {
  /** The JSON metadata has no UUID. A damaged first header has none to read either; cryptsetup then knows the second. */
  async function readUuid(device: string): Promise<string> {
    return (await readBinaryUuid(device)) ?? (await run('cryptsetup', ['luksUUID', device])).stdout.trim();
  }

  return {
    /**
     * Whether a device or file begins with a LUKS2 header.
     *
     * @throws when it does not exist.
     */
    async isLuks({ device }: { readonly device: string }): Promise<{ isLuks: boolean }> {
      const { exitCode } = await run('cryptsetup', ['isLuks', '--type', 'luks2', device], { answers: [0, 1] });
      return { isLuks: exitCode === 0 };
    },

    /**
     * The header of a device or file, from its JSON metadata: the text of `luksDump` differs between versions.
     *
     * @throws {@link PermanentFailure} when there is no LUKS2 header.
     */
    async readHeader({ device }: { readonly device: string }): Promise<LuksHeader> {
      try {
        const metadata = await run('cryptsetup', ['luksDump', '--dump-json-metadata', device]);
        return parseHeader(await readUuid(device), metadata.stdout);
      } catch (error) {
        return explain(error, [
          { says: /not a valid LUKS|only supported for LUKS2/, then: () => noHeader(device) },
          { says: /does not exist/, then: () => new PermanentFailure(`${device} does not exist`, 'check the path in lockstep.yaml') },
        ]);
      }
    },
  };
}

/**
 * The UUID from the binary header that a LUKS2 device begins with: 40 bytes behind magic (6), version (2),
 * size (8), sequence number (8), label (48), checksum's name (32) and salt (64), as the LUKS2 On-Disk
 * Format Specification 1.1 has it in its section 2.1.
 *
 * @returns Undefined where there is no such header, or no UUID in it.
 */
async function readBinaryUuid(device: string): Promise<string | undefined> {
  const file = await open(device, 'r');
  try {
    const header = Buffer.alloc(uuidOffsetBytes + uuidBytes);
    await file.read(header, 0, header.length, 0);
    if (header.toString('latin1', 0, 6) !== 'LUKS\xba\xbe' || header.readUInt16BE(6) !== 2) return undefined;
    const uuid = header.toString('latin1', uuidOffsetBytes).replace(/\0.*$/s, '');
    return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(uuid) ? uuid : undefined;
  } finally {
    await file.close();
  }
}

const uuidOffsetBytes = 168;
const uuidBytes = 40;

/**
 * A header from its UUID and the JSON of `luksDump --dump-json-metadata`.
 *
 * @throws {@link PermanentFailure} when no segment is encrypted.
 */
export function parseHeader(uuid: string, json: string): LuksHeader {
  const metadata = metadataSchema.parse(JSON.parse(json));
  const bound = new Set(
    Object.values(metadata.digests)
      .filter((digest) => digest.segments.length > 0)
      .flatMap((digest) => digest.keyslots),
  );
  const slots = Object.entries(metadata.keyslots)
    .filter(([, keySlot]) => keySlot.type === 'luks2')
    .map(([slot, keySlot]) => toSlot(Number(slot), bound.has(Number(slot)), keySlot));
  const segments = Object.values(metadata.segments).filter((segment) => segment.type === 'crypt');
  const current = segments.find((segment) => segment.flags === undefined) ?? segments[0];
  if (current?.encryption === undefined) {
    throw new PermanentFailure(`the LUKS header ${uuid} names no encrypted segment`, 'look at it with cryptsetup luksDump');
  }
  const requirements = metadata.config.requirements?.mandatory ?? [];
  return {
    uuid,
    cipher: current.encryption,
    keySizeBits: slots.length === 0 ? 0 : Math.min(...slots.map((slot) => slot.keySizeBits)),
    sectorSizeBytes: current.sector_size ?? 512,
    dataOffsetBytes: current.offset,
    slots,
    tokens: Object.entries(metadata.tokens).map(([tokenId, { type, keyslots, ...fields }]) => ({
      tokenId: Number(tokenId),
      type,
      slots: keyslots,
      fields,
    })),
    requirements,
    volumeKeyDigests: Object.values(metadata.digests).flatMap(({ segments: bound, digest }) => (bound.length > 0 ? [digest] : [])),
    reencrypting: requirements.some((requirement) => requirement.includes('reencrypt')),
  };
}

/**
 * Proves AES-256-XTS from the header: the cipher, and a key of 512 bits, since XTS splits it and 256 would be AES-128. How its
 * slots guard that key is {@link weaknessOf} each.
 *
 * @throws {@link PermanentFailure} that names the first fact that falls short.
 */
export function assertAes256Xts({ device, header }: { readonly device: string; readonly header: LuksHeader }): void {
  const fail = (fact: string) => {
    throw new PermanentFailure(`${device}: ${fact}`, 'create the volume anew; the cipher of an existing one is not changed in place');
  };
  if (header.slots.length === 0) fail('the header holds no key slot');
  if (header.cipher !== 'aes-xts-plain64') fail(`the cipher is ${header.cipher}, not aes-xts-plain64`);
  for (const { slot, keySizeBits } of header.slots) if (keySizeBits !== 512) fail(`slot ${slot} holds a key of ${keySizeBits} bits; AES-256 in XTS takes 512`);
}

/** What makes a slot easier to open than the plan wants, whatever its passphrase; undefined where nothing does. Another key in its place mends it. */
export function weaknessOf({ areaCipher, areaKeySizeBits, kdf }: LuksKeySlot): string | undefined {
  if (areaCipher !== 'aes-xts-plain64' || areaKeySizeBits !== 512) return `protects its key with ${areaCipher} and ${areaKeySizeBits} bits, not aes-xts-plain64 and 512`;
  return kdf.type === 'argon2id' ? undefined : `derives its key with ${kdf.type}, not argon2id`;
}

function toSlot(slot: number, opensVolume: boolean, { key_size: keySizeBytes, area, kdf }: z.infer<typeof keySlotSchema>): LuksKeySlot {
  return {
    slot,
    opensVolume,
    keySizeBits: keySizeBytes * 8,
    areaCipher: area.encryption ?? 'unknown',
    areaKeySizeBits: (area.key_size ?? 0) * 8,
    kdf: {
      type: kdf?.type ?? 'unknown',
      ...(kdf?.memory === undefined ? {} : { memoryKiB: kdf.memory }),
      ...(kdf?.time === undefined ? {} : { passes: kdf.time }),
      ...(kdf?.cpus === undefined ? {} : { parallel: kdf.cpus }),
    },
  };
}

function noHeader(device: string): PermanentFailure {
  return new PermanentFailure(`${device} has no LUKS2 header`, 'check that it is the volume, and restore a header backup if it is');
}
