import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '../../../host/processes/runner.js';
import { opaqueDirectories } from './upperLayer.js';

/**
 * Makes an ext4 image from a folder, without mounting it. It is sparse: only what is written takes room.
 *
 * @param disk - The image's file, which must not exist.
 * @param tree - Becomes its content.
 * @param sizeGiB - How large the guest believes it to be.
 */
export async function makeDisk({ run, disk, tree, sizeGiB }: { run: Run; disk: string; tree: string; sizeGiB: number }): Promise<void> {
  const file = await open(disk, 'wx', 0o600);
  await file.truncate(sizeGiB * 1024 ** 3);
  await file.close();
  await run(
    'mkfs.ext4',
    ['-q', '-F', '-L', 'lockstep', '-m', '0', '-i', '32768', '-J', 'size=64', '-E', 'lazy_itable_init=1,nodiscard', '-d', tree, disk],
    { timeout: 'service' },
  );
  const commands = opaqueDirectories.map((directory) => `ea_set ${join('/upper', directory)} trusted.overlay.opaque y`);
  await run('debugfs', ['-w', disk], { input: `${commands.join('\n')}\n` });
  const { stdout } = await run('debugfs', ['-R', `ea_get ${join('/upper', opaqueDirectories[0] ?? '')} trusted.overlay.opaque`, disk]);
  if (!stdout.includes('y')) throw new Error(`debugfs could not mark folders of ${disk} as opaque: ${stdout}`);
}
