import type { Run } from '../processes/runner.js';

/** Device-mapper, asked for what lies behind a name. */
export function createDeviceMapper({ run }: { readonly run: Run }) {
  return {
    /**
     * The targets that a device is made of, in their order: `crypt` alone for an encrypted volume. The status line is
     * read and not the table, which holds the key (dmsetup(8)).
     *
     * @param name - Below /dev/mapper.
     * @throws CommandFailed where there is no such device.
     */
    async readTargets({ name }: { readonly name: string }): Promise<readonly string[]> {
      const { stdout } = await run('dmsetup', ['status', name]);
      return stdout.split('\n').filter((line) => line.trim() !== '').map((line) => line.trim().split(/\s+/)[2] ?? '');
    },
  };
}

/** What {@link createDeviceMapper} makes. */
export type DeviceMapper = ReturnType<typeof createDeviceMapper>;
