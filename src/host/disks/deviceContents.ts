import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { errorCode } from '../failure.js';
import type { Run } from '../processes/runner.js';

/** The mark of a filesystem, a partition table, a member of LVM or RAID, swap, or LUKS. */
export interface Signature {
  /** As libblkid calls it: `ext4`, `gpt`, `LVM2_member`, `crypto_LUKS`, … */
  readonly type: string;
  readonly offsetBytes: number;
}

const signaturesSchema = z.object({ signatures: z.array(z.object({ offset: z.string(), type: z.string().nullish() })) });
const pieceBytes = 1024 * 1024;

/** What lies on a block device, whoever put it there. */
export function createDeviceContents({ run }: { readonly run: Run }) {
  return {
    /** Every mark that wipefs(8) knows, wherever on the device; nothing is written. */
    async readSignatures({ device }: { readonly device: string }): Promise<readonly Signature[]> {
      const { stdout } = await run('wipefs', ['--no-act', '--json', device]);
      // Versions differ in what they print for none.
      if (stdout.trim() === '') return [];
      return signaturesSchema.parse(JSON.parse(stdout)).signatures.map(({ type, offset }) => ({ type: type ?? 'unknown', offsetBytes: Number(offset) }));
    },

    /** Whether the device could be had by one program alone: not where it is mounted, also out of sight in another namespace. */
    async isHeld({ device }: { readonly device: string }): Promise<boolean> {
      try {
        // On a block device O_EXCL without O_CREAT asks for just that (open(2)).
        await (await open(device, constants.O_RDONLY | constants.O_EXCL)).close();
        return false;
      } catch (error) {
        if (errorCode(error) === 'EBUSY') return true;
        throw error;
      }
    },

    /** Whether anything but zeros lies at the beginning of a device. */
    async hasBytes({ device, lengthBytes }: { readonly device: string; readonly lengthBytes: number }): Promise<boolean> {
      const file = await open(device, 'r');
      try {
        const piece = Buffer.alloc(pieceBytes);
        for (let position = 0; position < lengthBytes; position += pieceBytes) {
          const { bytesRead } = await file.read(piece, 0, Math.min(pieceBytes, lengthBytes - position), position);
          if (bytesRead === 0) return false;
          if (!piece.subarray(0, bytesRead).equals(zeros.subarray(0, bytesRead))) return true;
        }
        return false;
      } finally {
        await file.close();
      }
    },

    /** Writes zeros over the beginning of a device, and waits until they are on it: what was there is lost. */
    async clearBeginning({ device, lengthBytes }: { readonly device: string; readonly lengthBytes: number }): Promise<void> {
      const file = await open(device, constants.O_WRONLY | constants.O_EXCL);
      try {
        for (let position = 0; position < lengthBytes; position += pieceBytes) {
          await file.write(zeros, 0, Math.min(pieceBytes, lengthBytes - position), position);
        }
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}

const zeros = Buffer.alloc(pieceBytes);
