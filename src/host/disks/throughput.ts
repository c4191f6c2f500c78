import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandFailed, type Run } from '../processes/runner.js';

/** A rate that was measured, for estimates. */
export interface Throughput {
  readonly bytesPerSecond: number;
  /** How much was read or written for it. */
  readonly sizeBytes: number;
  /** The page cache was passed by; otherwise the rate may be the memory's. */
  readonly direct: boolean;
}

const blockBytes = 1024 * 1024;
const probeName = '.lockstep-throughput-probe';

/** Small probes of how fast a filesystem reads and writes in sequence. */
export function createThroughput({ run }: { readonly run: Run }) {
  async function measure(args: readonly string[], directArg: string): Promise<Throughput> {
    const attempt = async (direct: boolean): Promise<Throughput> => {
      const { stderr } = await run('dd', [...args, ...(direct ? [directArg] : [])], { timeout: 'standard' });
      return { ...parseRate(stderr), direct };
    };
    try {
      return await attempt(true);
    } catch (error) {
      // Some filesystems (tmpfs, overlays of old) know no direct access.
      if (error instanceof CommandFailed && error.stderr.includes('Invalid argument')) return attempt(false);
      throw error;
    }
  }

  return {
    /**
     * Reads the beginning of a file; the file's access time stays as it was.
     *
     * @param sizeBytes - At most; rounded down to whole MiB, at least one.
     */
    readRate({ file, sizeBytes }: { readonly file: string; readonly sizeBytes: number }): Promise<Throughput> {
      return measure([`if=${file}`, 'of=/dev/null', 'bs=1M', `count=${toBlocks(sizeBytes)}`, 'iflag=noatime'], 'iflag=direct');
    },

    /**
     * Writes a probe into a directory, waits for the disk, and removes it.
     *
     * @param sizeBytes - Rounded down to whole MiB, at least one.
     */
    async writeRate({ directory, sizeBytes }: { readonly directory: string; readonly sizeBytes: number }): Promise<Throughput> {
      const probe = join(directory, probeName);
      try {
        return await measure(['if=/dev/zero', `of=${probe}`, 'bs=1M', `count=${toBlocks(sizeBytes)}`, 'conv=fsync'], 'oflag=direct');
      } finally {
        await rm(probe, { force: true });
      }
    },
  };
}

function toBlocks(sizeBytes: number): number {
  return Math.max(1, Math.floor(sizeBytes / blockBytes));
}

/** dd's last line: `8388608 bytes (8.4 MB, 8.0 MiB) copied, 0.0110848 s, 757 MB/s`. */
function parseRate(stderr: string): { bytesPerSecond: number; sizeBytes: number } {
  const [, bytes, seconds] = /^(\d+) bytes? .*copied, ([\d.e-]+) s/m.exec(stderr) ?? [];
  if (bytes === undefined || seconds === undefined) throw new Error('dd did not say how much it copied in which time');
  return { sizeBytes: Number(bytes), bytesPerSecond: Math.round(Number(bytes) / Math.max(Number(seconds), 1e-6)) };
}
