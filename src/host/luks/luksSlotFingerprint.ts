import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { z } from 'zod';
import type { Run } from '../processes/runner.js';

const metadataSchema = z.looseObject({
  keyslots: z.record(z.string(), z.looseObject({ area: z.looseObject({ offset: z.string(), size: z.string() }) })),
  digests: z.record(z.string(), z.looseObject({ keyslots: z.array(z.string()), segments: z.array(z.string()) })),
});

/** Telling whether a key slot is still the one that a passphrase was proven to open. */
export function createLuksSlotFingerprint({ run }: { readonly run: Run }) {
  return {
    /**
     * A digest of all that decides which passphrase opens a slot and what it opens then: the slot's parameters and salt, its
     * key material on the device, and the digest of the volume key that it leads to (LUKS2 On-Disk Format Specification 1.1,
     * sections 3 and 4). While it stays the same, so does the answer to a passphrase.
     *
     * @returns SHA-256 in hexadecimal; undefined where the slot is empty.
     */
    async readSlotFingerprint({ device, slot }: { readonly device: string; readonly slot: number }): Promise<string | undefined> {
      const { stdout } = await run('cryptsetup', ['luksDump', '--dump-json-metadata', device]);
      const { keyslots, digests } = metadataSchema.parse(JSON.parse(stdout));
      const keySlot = keyslots[String(slot)];
      if (keySlot === undefined) return undefined;
      const leadsTo = Object.values(digests)
        .filter((digest) => digest.keyslots.includes(String(slot)))
        // Which other slots lead to the same key changes with those.
        .map(({ keyslots: _, ...digest }) => digest);
      const hash = createHash('sha256').update(JSON.stringify([keySlot, leadsTo]));
      return hash.update(await readBytes(device, Number(keySlot.area.offset), Number(keySlot.area.size))).digest('hex');
    },
  };
}

async function readBytes(device: string, offsetBytes: number, sizeBytes: number): Promise<Buffer> {
  const file = await open(device, 'r');
  try {
    const bytes = Buffer.alloc(sizeBytes);
    const { bytesRead } = await file.read(bytes, 0, sizeBytes, offsetBytes);
    if (bytesRead !== sizeBytes) throw new Error(`${device} ends within its LUKS header`);
    return bytes;
  } finally {
    await file.close();
  }
}
