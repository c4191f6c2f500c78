import { readFile } from 'node:fs/promises';
import type { Environment } from '../config/environment.js';
import { ifPresent } from '../host/failure.js';
import { readLoginUser } from './loginUser.js';

/** Who types a secret, and where they come from, as the audit log has it: both as claimed. */
export interface Typist {
  readonly by: string;
  /** An address; absent on a console. */
  readonly from?: string;
}

/**
 * Tells who sits at the terminal. sudo drops SSH's variables by default, and su says nothing of who became root:
 * what the environment of this process lacks is looked for in those of the processes that it descends from, and
 * in what the kernel keeps of the login.
 */
export async function readTypist({ person, sshFrom }: Pick<Environment, 'person' | 'sshFrom'>): Promise<Typist> {
  // What is longer is no address, and the worker would refuse the passphrase for it.
  const from = (sshFrom ?? (await readSshClient()))?.slice(0, 200);
  const login = person === 'root' ? (await readLoginUser())?.split('@')[0] : undefined;
  return { by: login ?? person, ...(from === undefined ? {} : { from }) };
}

/** Nobody descends from more; a loop would be a damaged /proc. */
const mostAncestors = 100;

/** A process that has ended meanwhile, or one that only root may look at. */
const unseen = ['ENOENT', 'ENOTDIR', 'ESRCH', 'EACCES', 'EPERM'];

/**
 * The address that SSH has given to the nearest process above that still has its variable.
 *
 * @param processId - Where to begin: that one is looked at as well. Default: this process.
 * @param procDirectory - Default `/proc`.
 * @returns Undefined on a console, and where the processes above may not be read.
 */
export async function readSshClient(processId: number = process.pid, procDirectory = '/proc'): Promise<string | undefined> {
  let current = processId;
  for (let count = 0; count < mostAncestors && current > 0; count += 1) {
    const variables = (await ifPresent(readFile(`${procDirectory}/${current}/environ`, 'latin1'), unseen))?.split('\0') ?? [];
    const connection = variables.find((variable) => /^SSH_(CONNECTION|CLIENT)=./.test(variable));
    if (connection !== undefined) return /=(\S+)/.exec(connection)?.[1];
    const status = (await ifPresent(readFile(`${procDirectory}/${current}/status`, 'latin1'), unseen)) ?? '';
    current = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
  }
  return undefined;
}
