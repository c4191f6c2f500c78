import { readdir } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { ifPresent } from '../../host/failure.js';
import { tapDevice } from './network.js';
import { guestSource } from './projectFiles.js';

/** Where Debian's package user-mode-linux keeps the modules of its kernel. */
export const modulesDirectory = '/usr/lib/uml/modules';

/** What the guest's kernel is told. */
export interface KernelSettings {
  /** Its host name. */
  readonly name: string;
  readonly memoryMiB: number;
  /** A disk image, written to unless `copyOnWrite` is given. */
  readonly disk: string;
  /** Receives everything that differs from the disk image. */
  readonly copyOnWrite?: string;
  /** A folder for the kernel's process number and socket, which else lie in root's home for ever. */
  readonly stateDirectory: string;
}

/** The command line of `linux.uml`. */
export function kernelArguments({ name, memoryMiB, disk, copyOnWrite, stateDirectory }: KernelSettings): readonly string[] {
  return [
    `mem=${memoryMiB}M`,
    copyOnWrite === undefined ? `ubda=${disk}` : `ubda=${copyOnWrite},${disk}`,
    `uml_dir=${stateDirectory}/`,
    `umid=${name}`,
    `vec0:transport=tap,ifname=${tapDevice},depth=64`,
    'rootfstype=hostfs',
    'rootflags=/',
    'ro',
    `init=${guestSource('files', 'stage1.sh')}`,
    'con=null',
    'con0=null,fd:1',
    'ssl=null',
    // A tick that repeats by itself: each tick that has to be asked for anew can be lost under load, and the guest stands still for good.
    ...['nohz=off', 'highres=off'],
    // A word that the kernel does not know becomes a variable of its first process.
    `GUEST_NAME=${name}`,
  ];
}

/**
 * The version of the guest's kernel, which its modules lie under.
 *
 * @throws {@link PermanentFailure} when the package is not installed.
 */
export async function readKernelVersion(): Promise<string> {
  const versions = (await ifPresent(readdir(modulesDirectory))) ?? [];
  const [version] = versions.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  if (version === undefined) {
    throw new PermanentFailure(
      `${modulesDirectory} holds no kernel modules`,
      'install Debian\'s package user-mode-linux: apt-get install user-mode-linux',
    );
  }
  return version;
}
