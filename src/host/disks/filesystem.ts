import { statfs, writeFile } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { explain } from '../failure.js';
import type { Run } from '../processes/runner.js';

/** What a block device carries. */
export interface Filesystem {
  /** For example `ext4` or `crypto_LUKS`. */
  readonly type: string;
  readonly label?: string;
  readonly uuid?: string;
}

/** Room on a filesystem. */
export interface Space {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Without what is reserved for root. */
  readonly availableBytes: number;
  readonly totalInodes: number;
  readonly freeInodes: number;
}

const longestExt4LabelBytes = 16;

/**
 * A name cut to what an ext4 label holds (16 bytes), so that `pg-data-encrypted` does not become
 * another label than the one that was asked for without a word.
 */
export function fitExt4Label(name: string): string {
  let label = name;
  while (Buffer.byteLength(label) > longestExt4LabelBytes) label = label.slice(0, -1);
  return label;
}

/** Making filesystems and asking what they are. */
export function createFilesystem({ run, procDirectory = '/proc' }: { readonly run: Run; readonly procDirectory?: string }) {
  /** What the device carries, read from the device and not from a cache; undefined where blkid finds nothing. */
  async function readFilesystem({ device }: { readonly device: string }): Promise<Filesystem | undefined> {
    const { stdout, exitCode } = await run('blkid', ['--probe', '--output', 'export', device], { answers: [0, 2] }).catch(
      (error: unknown) =>
        explain(error, [
          { exitCode: 8, then: () => new PermanentFailure(`${device} bears the marks of several filesystems`, 'look at it with wipefs, which lists them') },
        ]),
    );
    if (exitCode !== 0) return undefined;
    const fields = new Map(
      stdout.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1).replace(/\\(.)/g, '$1')]),
    );
    const [type, label, uuid] = ['TYPE', 'LABEL', 'UUID'].map((key) => fields.get(key));
    if (type === undefined) return undefined;
    return { type, ...(label === undefined ? {} : { label }), ...(uuid === undefined ? {} : { uuid }) };
  }

  async function readFlags(path: string): Promise<string> {
    const { stdout } = await run('lsattr', ['-d', path]);
    return stdout.split(' ')[0] ?? '';
  }

  return {
    readFilesystem,

    /**
     * Makes an ext4 on an empty device; does nothing where one with that label is there.
     *
     * @param label - At most 16 bytes; see {@link fitExt4Label}.
     * @throws {@link PermanentFailure} when the device carries anything else, or the label is too long.
     */
    async makeExt4({ device, label }: { readonly device: string; readonly label: string }): Promise<{ changed: boolean; uuid: string }> {
      if (Buffer.byteLength(label) > longestExt4LabelBytes) {
        throw new PermanentFailure(`the label ${label} has ${Buffer.byteLength(label)} bytes (ext4 holds ${longestExt4LabelBytes})`, 'choose a shorter one');
      }
      const before = await readFilesystem({ device });
      if (before?.type === 'ext4' && before.label === label && before.uuid !== undefined) return { changed: false, uuid: before.uuid };
      if (before !== undefined) {
        throw new PermanentFailure(`${device} already carries ${before.type}${before.label === undefined ? '' : ` labelled ${before.label}`}`, 'it is not overwritten: find out whose it is');
      }
      // Without nodiscard mkfs asks the device to forget its blocks, which makes holes in a volume file.
      await run('mkfs.ext4', ['-q', '-E', 'nodiscard', '-L', label, device], { timeout: 'service' });
      const after = await readFilesystem({ device });
      if (after?.type !== 'ext4' || after.uuid === undefined) throw new Error(`${device} carries no ext4 after mkfs.ext4`);
      return { changed: true, uuid: after.uuid };
    },

    /** Makes an ext4, mounted or not, as large as its device. */
    async ensureExt4FillsDevice({ device }: { readonly device: string }): Promise<void> {
      await run('resize2fs', [device], { timeout: 'service' });
    },

    /** How large an ext4 believes its device to be, from its superblock (tune2fs(8)). */
    async readExt4Size({ device }: { readonly device: string }): Promise<{ readonly sizeBytes: number; readonly blockBytes: number }> {
      const { stdout } = await run('tune2fs', ['-l', device]);
      const read = (field: string): number => {
        const figure = new RegExp(`^${field}:\\s+(\\d+)$`, 'm').exec(stdout)?.[1];
        if (figure === undefined) throw new Error(`tune2fs does not tell the ${field.toLowerCase()} of ${device}`);
        return Number(figure);
      };
      const blockBytes = read('Block size');
      return { sizeBytes: read('Block count') * blockBytes, blockBytes };
    },

    /** Room on the filesystem under a path. */
    async readSpace({ path }: { readonly path: string }): Promise<Space> {
      const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
      return {
        totalBytes: blocks * bsize,
        freeBytes: bfree * bsize,
        availableBytes: bavail * bsize,
        totalInodes: files,
        freeInodes: ffree,
      };
    },

    /**
     * Waits until everything written to the filesystem under a path is on its device.
     *
     * @throws when a write failed, which Linux reports since 5.8.
     */
    async syncFilesystem({ path }: { readonly path: string }): Promise<void> {
      await run('sync', ['--file-system', path], { timeout: 'unlimited' });
    },

    /**
     * Empties the page cache, so that the next read comes from the device. Pages with unwritten changes
     * stay, so all filesystems are synced before. A running database reads slower for a while.
     *
     * @throws {@link PermanentFailure} where the kernel does not let this host do it (containers).
     */
    async dropPageCache(): Promise<void> {
      await run('sync', [], { timeout: 'unlimited' });
      try {
        await writeFile(`${procDirectory}/sys/vm/drop_caches`, '3\n');
      } catch (error) {
        throw new PermanentFailure(
          `the page cache can not be dropped (${error instanceof Error ? error.message : 'unknown reason'})`,
          'run the worker as root on the host itself, not in a container',
        );
      }
    },

    /** Whether not even root may write to or in a path (`chattr +i`). */
    async isImmutable({ path }: { readonly path: string }): Promise<{ immutable: boolean }> {
      return { immutable: (await readFlags(path)).includes('i') };
    },

    /** Sets or clears the immutable flag; says whether it changed anything. */
    async setImmutable({ path, immutable }: { readonly path: string; readonly immutable: boolean }): Promise<{ changed: boolean }> {
      if ((await readFlags(path)).includes('i') === immutable) return { changed: false };
      await run('chattr', [immutable ? '+i' : '-i', path]);
      if ((await readFlags(path)).includes('i') !== immutable) throw new Error(`${path} is ${immutable ? 'not ' : ''}immutable after chattr`);
      return { changed: true };
    },
  };
}
