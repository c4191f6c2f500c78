import { z } from 'zod';
import type { Run } from '../processes/runner.js';

/** A loop device and the file behind it. */
export interface LoopDevice {
  readonly device: string;
  readonly file: string;
  /** It goes when its last user goes, as those do that cryptsetup and mount make. */
  readonly autoclear: boolean;
}

const listSchema = z.object({
  loopdevices: z.array(z.object({ name: z.string(), 'back-file': z.string().nullable(), autoclear: z.boolean() })),
});

/** Loop devices: a file seen as a block device. */
export function createLoopDevice({ run }: { readonly run: Run }) {
  return {
    /** The loop devices on a file: more than one would be two writers on one volume. */
    async readLoopDevices({ file }: { readonly file: string }): Promise<readonly LoopDevice[]> {
      const { stdout } = await run('losetup', ['--list', '--json', '--output', 'NAME,BACK-FILE,AUTOCLEAR', '--associated', file]);
      if (stdout.trim() === '') return [];
      return listSchema.parse(JSON.parse(stdout)).loopdevices.map((each) => ({
        device: each.name,
        file: each['back-file'] ?? '',
        autoclear: each.autoclear,
      }));
    },

    /** Makes a loop device see that its file has grown. */
    async ensureLoopSize({ device }: { readonly device: string }): Promise<void> {
      await run('losetup', ['--set-capacity', device]);
    },
  };
}
