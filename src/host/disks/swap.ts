import { readFile, stat } from 'node:fs/promises';
import { toDeviceNumber } from './deviceNumber.js';
import { ifPresent } from '../failure.js';

/** A place that memory is written to when it is short. */
export interface SwapArea {
  /** A device or a file. */
  readonly path: string;
  readonly sizeBytes: number;
  /** On dm-crypt, or compressed in memory (zram): pages there cannot be read from the disk. */
  readonly isProtected: boolean;
}

/** The swap areas in use, from `/proc/swaps`. */
export async function readSwapAreas({ procDirectory = '/proc', sysDirectory = '/sys' }: { readonly procDirectory?: string; readonly sysDirectory?: string } = {}): Promise<readonly SwapArea[]> {
  const lines = ((await ifPresent(readFile(`${procDirectory}/swaps`, 'utf8'))) ?? '').split('\n').slice(1);
  const areas = lines.flatMap((line) => {
    const [, path, kibibytes] = /^(\S+)\s+\S+\s+(\d+)/.exec(line) ?? [];
    // The kernel writes a blank in a name as \040 (seq_file).
    return path === undefined ? [] : [{ path: path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))), sizeBytes: Number(kibibytes) * 1024 }];
  });
  return Promise.all(areas.map(async (area) => ({ ...area, isProtected: area.path.startsWith('/dev/zram') || (await isOnDmCrypt(area.path, sysDirectory)) })));
}

async function isOnDmCrypt(path: string, sysDirectory: string): Promise<boolean> {
  const stats = await ifPresent(stat(path, { bigint: true }));
  if (stats === undefined) return false;
  const uuid = await ifPresent(readFile(`${sysDirectory}/dev/block/${toDeviceNumber(stats.isBlockDevice() ? stats.rdev : stats.dev)}/dm/uuid`, 'utf8'));
  return uuid?.startsWith('CRYPT-') === true;
}
