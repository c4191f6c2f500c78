import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toDeviceNumber } from '../../../../src/host/disks/deviceNumber.js';
import { readSwapAreas } from '../../../../src/host/disks/swap.js';
import { withDirectory } from '../../needsRoot.js';

test('swap counts as protected on dm-crypt and in memory alone', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'swap file');
    await writeFile(file, '');
    await writeFile(join(directory, 'swaps'), `Filename Type Size Used Priority\n${file.replace(' ', String.raw`\040`)} file 1024 0 -2\n/dev/zram0 partition 2048 0 100\n`);
    const read = () => readSwapAreas({ procDirectory: directory, sysDirectory: directory });
    const zram = { path: '/dev/zram0', sizeBytes: 2 * 1024 * 1024, isProtected: true };
    expect(await read()).toEqual([{ path: file, sizeBytes: 1024 * 1024, isProtected: false }, zram]);
    const mapped = join(directory, 'dev', 'block', toDeviceNumber((await stat(file, { bigint: true })).dev), 'dm');
    await mkdir(mapped, { recursive: true });
    await writeFile(join(mapped, 'uuid'), 'CRYPT-PLAIN-cryptswap\n');
    expect(await read()).toEqual([{ path: file, sizeBytes: 1024 * 1024, isProtected: true }, zram]);
  }));
