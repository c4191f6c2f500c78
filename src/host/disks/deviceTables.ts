import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent } from '../failure.js';
import { toDeviceNumber, type DeviceNumber } from './deviceNumber.js';

/** The tables by which a host mounts and opens devices when it starts, with the field that names the device (fstab(5), crypttab(5)). */
const tables = [
  { name: 'fstab', field: 0 },
  { name: 'crypttab', field: 1 },
] as const;

/**
 * The tables of the host that name a device, by whatever of its names.
 *
 * @returns Such as `/etc/fstab`; a device without signature has neither UUID nor label, but may have those of its partition.
 */
export async function readTablesNaming({
  deviceNumber,
  etcDirectory = '/etc',
  deviceDirectory = '/dev',
}: {
  readonly deviceNumber: DeviceNumber;
  readonly etcDirectory?: string;
  readonly deviceDirectory?: string;
}): Promise<readonly string[]> {
  const naming = await Promise.all(
    tables.map(async ({ name, field }) => {
      const path = join(etcDirectory, name);
      const text = (await ifPresent(readFile(path, 'utf8'))) ?? '';
      const named = text.split('\n').flatMap((line) => (/^\s*(#|$)/.test(line) ? [] : [line.trim().split(/\s+/)[field] ?? '']));
      const numbers = await Promise.all(named.map((each) => readNumber(toPath(each, deviceDirectory))));
      return numbers.includes(deviceNumber) ? [path] : [];
    }),
  );
  return naming.flat();
}

/** `PARTUUID="x"` is what udev links as `/dev/disk/by-partuuid/x`. */
function toPath(named: string, deviceDirectory: string): string {
  const [, tag, value] = /^([A-Z]+)="?([^"]*)"?$/.exec(named) ?? [];
  const text = value === undefined || tag === undefined ? named : join(deviceDirectory, 'disk', `by-${tag.toLowerCase()}`, value);
  return text.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

async function readNumber(path: string): Promise<DeviceNumber | undefined> {
  if (!path.startsWith('/')) return undefined;
  const found = await ifPresent(realpath(path));
  const stats = found === undefined ? undefined : await stat(found, { bigint: true });
  return stats?.isBlockDevice() === true ? toDeviceNumber(stats.rdev) : undefined;
}
