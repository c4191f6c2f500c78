import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnvironment } from '../../config/environment.js';
import { PermanentFailure } from '../../contract/errors.js';
import { ifPresent } from '../../host/failure.js';
import { tapDevice } from './network.js';
import { guestSource } from './projectFiles.js';

/** A kernel that a guest can run. */
export interface GuestKernel {
  /** Its program: a path, or a name on PATH. */
  readonly program: string;
  readonly version: string;
  /** The folder of its modules. */
  readonly modules: string;
  /** Whether it can hand over to the guest's programs without ptrace, in half the time. */
  readonly isQuick: boolean;
}

/** Where Debian's package user-mode-linux keeps the modules of its kernel. */
const debianModules = '/usr/lib/uml/modules';

/** What the guest's kernel is told. */
export interface KernelSettings {
  /** Its host name. */
  readonly name: string;
  readonly memoryMiB: number;
  readonly kernel: GuestKernel;
  /** A disk image, written to unless `copyOnWrite` is given. */
  readonly disk: string;
  /** Receives everything that differs from the disk image. */
  readonly copyOnWrite?: string;
  /** A folder for the kernel's process number and socket, which else lie in root's home for ever. */
  readonly stateDirectory: string;
}

/** The command line of `linux.uml`. */
export function kernelArguments({ name, memoryMiB, kernel, disk, copyOnWrite, stateDirectory }: KernelSettings): readonly string[] {
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
    ...(kernel.isQuick ? ['seccomp=on'] : []),
    // A word that the kernel does not know becomes a variable of its first process.
    `GUEST_NAME=${name}`,
    `GUEST_MODULES=${kernel.modules}`,
  ];
}

/**
 * The kernel that guests run: the one that `scripts/setup --tests` has built, else Debian's.
 *
 * @throws {@link PermanentFailure} when there is neither.
 */
export async function findKernel(cacheDirectory = readEnvironment().cacheDirectory): Promise<GuestKernel> {
  const built = join(cacheDirectory, 'kernel');
  return (
    (await kernelIn({ program: join(built, 'linux.uml'), modules: join(built, 'modules'), isQuick: true })) ??
    (await kernelIn({ program: 'linux.uml', modules: debianModules, isQuick: false })) ??
    refuse()
  );
}

async function kernelIn({ program, modules, isQuick }: Omit<GuestKernel, 'version'>): Promise<GuestKernel | undefined> {
  const versions = (await ifPresent(readdir(modules))) ?? [];
  const [version] = versions.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return version === undefined ? undefined : { program, version, modules: join(modules, version), isQuick };
}

function refuse(): never {
  throw new PermanentFailure(`${debianModules} holds no kernel modules`, "install Debian's package user-mode-linux: apt-get install user-mode-linux");
}
