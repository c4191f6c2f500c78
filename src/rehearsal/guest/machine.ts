import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';

/**
 * Checks what a guest asks of its machine besides programs.
 *
 * @throws {@link PermanentFailure} when the process is not root's, or there are no tap devices.
 */
export function assertMachineFits(): void {
  if (process.getuid?.() !== 0) {
    throw new PermanentFailure('a disposable host needs a network namespace, which only root may make', 'start it with sudo');
  }
  if (!existsSync('/dev/net/tun')) {
    throw new PermanentFailure(
      '/dev/net/tun does not exist, and a disposable host is reached through it',
      'type modprobe tun; a container is given it with --device /dev/net/tun --cap-add NET_ADMIN',
    );
  }
}

/**
 * Where the guest's memory is kept: a file, in memory itself where that has room. Containers often have a
 * /dev/shm of 64 MB, and a guest that outgrows it dies without a word.
 *
 * @param memoryMiB - How much the guest may use.
 * @param fallback - A folder on a disk.
 */
export async function chooseMemoryDirectory(memoryMiB: number, fallback: string, shared = '/dev/shm'): Promise<string> {
  const { bavail, bsize } = await statfs(shared);
  return bavail * bsize >= memoryMiB * 1024 ** 2 ? shared : fallback;
}
