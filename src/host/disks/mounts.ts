import { readFile } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import type { DeviceNumber } from './deviceNumber.js';
import { explain, ifPresent } from '../failure.js';
import { isWithin } from '../files/paths.js';
import type { Run } from '../processes/runner.js';

/** One mount, as the first process of the host sees it. */
export interface Mount {
  readonly mountPoint: string;
  /** The part of the filesystem that is mounted: `/` unless it is a bind mount. */
  readonly root: string;
  readonly deviceNumber: DeviceNumber;
  readonly type: string;
  /** The device as it was named when mounting, for example `/dev/mapper/pg-data-encrypted`. */
  readonly source: string;
  /** Options of the mount and of the filesystem: `rw`, `noatime`, … */
  readonly options: readonly string[];
}

/** What device-mapper says of a block device. */
export interface MappedDevice {
  /** The name below /dev/mapper. */
  readonly name: string;
  /** A dm-crypt device of a LUKS2 header, with the header's UUID. */
  readonly luks2Uuid?: string;
}

/**
 * Mounts of the host. They are read from `/proc/1/mountinfo`: a process with mounts of its own, such as
 * a hardened systemd unit, would believe in mounts that Docker never sees.
 */
export function createMounts({
  run,
  procDirectory = '/proc',
  sysDirectory = '/sys',
}: {
  readonly run: Run;
  readonly procDirectory?: string;
  readonly sysDirectory?: string;
}) {
  /** All mounts, in the order in which they were made. */
  async function readMounts(): Promise<readonly Mount[]> {
    return parseMountinfo(await readFile(`${procDirectory}/1/mountinfo`, 'utf8'));
  }

  /** The mount on exactly this path, the topmost where there are several; undefined for none. */
  async function readMount({ path }: { readonly path: string }): Promise<Mount | undefined> {
    return (await readMounts()).findLast((mount) => mount.mountPoint === path);
  }

  return {
    readMounts,
    readMount,

    /** The mount that a path lies in. The path is taken as it is: symbolic links are for the caller to resolve. */
    async readMountUnder({ path }: { readonly path: string }): Promise<Mount> {
      const around = (await readMounts()).filter(({ mountPoint }) => isWithin(path, mountPoint));
      const deepest = around.reduce<Mount | undefined>(
        (best, mount) => (best === undefined || mount.mountPoint.length >= best.mountPoint.length ? mount : best),
        undefined,
      );
      if (deepest === undefined) throw new Error(`${path} lies in no mount of the host`);
      return deepest;
    },

    /** Mounts below a directory: what they hold is not on the directory's own device. */
    async readMountsWithin({ directory }: { readonly directory: string }): Promise<readonly Mount[]> {
      return (await readMounts()).filter(({ mountPoint }) => mountPoint !== directory && isWithin(mountPoint, directory));
    },

    /** The device-mapper device with a number, from sysfs; undefined where it is none. */
    async readMappedDevice({ deviceNumber }: { readonly deviceNumber: DeviceNumber }): Promise<MappedDevice | undefined> {
      const directory = `${sysDirectory}/dev/block/${deviceNumber}/dm`;
      const name = await ifPresent(readFile(`${directory}/name`, 'utf8'));
      if (name === undefined) return undefined;
      const uuid = parseLuks2Uuid(await readFile(`${directory}/uuid`, 'utf8'));
      return { name: name.trim(), ...(uuid === undefined ? {} : { luks2Uuid: uuid }) };
    },

    /**
     * Mounts a device on a path; does nothing where that very device is mounted there.
     *
     * @param options - For example `['noatime']`.
     * @throws {@link PermanentFailure} when something else is mounted there, or the mount does not appear on the host.
     */
    async mount({
      device,
      path,
      type = 'ext4',
      options = [],
    }: {
      readonly device: string;
      readonly path: string;
      readonly type?: string;
      readonly options?: readonly string[];
    }): Promise<{ changed: boolean }> {
      const before = await readMount({ path });
      if (before?.source === device) return { changed: false };
      if (before !== undefined) {
        throw new PermanentFailure(`${before.source} is mounted on ${path}, not ${device}`, `unmount it first: umount ${path}`);
      }
      await run('mount', ['-t', type, ...(options.length === 0 ? [] : ['-o', options.join(',')]), device, path], { timeout: 'standard' });
      if ((await readMount({ path })) === undefined) {
        throw new PermanentFailure(
          `${device} was mounted on ${path}, but the host (/proc/1/mountinfo) does not see it`,
          'the worker has mounts of its own: remove PrivateTmp, ProtectSystem, PrivateMounts and the like from its unit',
        );
      }
      return { changed: true };
    },

    /**
     * Unmounts whatever is mounted on a path, once; does nothing where nothing is.
     *
     * @throws when something holds files open in it.
     */
    async unmount({ path }: { readonly path: string }): Promise<{ changed: boolean }> {
      if ((await readMount({ path })) === undefined) return { changed: false };
      try {
        await run('umount', [path], { timeout: 'service' });
      } catch (error) {
        explain(error, [{ says: /busy/, then: () => new Error(`${path} is busy: a process holds files open in it; fuser --mount ${path} names it`) }]);
      }
      return { changed: true };
    },
  };
}

/** What {@link createMounts} makes. */
export type Mounts = ReturnType<typeof createMounts>;

/** The lines of a mountinfo file (proc(5)). */
export function parseMountinfo(text: string): readonly Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      const separator = fields.indexOf('-', 6);
      const [, , deviceNumber, root, mountPoint, mountOptions] = fields;
      const [type, source, filesystemOptions] = fields.slice(separator + 1);
      if (separator < 0 || deviceNumber === undefined || root === undefined || mountPoint === undefined || type === undefined) {
        throw new Error('a line of /proc/1/mountinfo has fewer fields than proc(5) tells of');
      }
      const options = [mountOptions, filesystemOptions].flatMap((list) => list?.split(',') ?? []);
      return {
        mountPoint: unescapeOctal(mountPoint),
        root: unescapeOctal(root),
        deviceNumber,
        type,
        source: unescapeOctal(source ?? ''),
        options: [...new Set(options)],
      };
    });
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** cryptsetup names its devices `CRYPT-LUKS2-<uuid without dashes>-<name>`. */
function parseLuks2Uuid(mapperUuid: string): string | undefined {
  const digits = /^CRYPT-LUKS2-([0-9a-f]{32})-/.exec(mapperUuid)?.[1];
  return digits?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
