import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { ifPresent } from '../host/failure.js';

/** What the kernel has for a process that nobody logged in for (proc_pid_loginuid(5)). */
const nobody = 2 ** 32 - 1;

/**
 * The user who logged in, whatever sudo or su made of them since: the kernel keeps that, and only root can set it.
 *
 * @param procDirectory - Default `/proc`.
 * @returns `ann@db1`; undefined where the kernel does not tell.
 */
export async function readLoginUser(procDirectory = '/proc', usersFile = '/etc/passwd'): Promise<string | undefined> {
  const text = (await ifPresent(readFile(`${procDirectory}/self/loginuid`, 'utf8')))?.trim() ?? '';
  const id = Number(text);
  if (text === '' || id === nobody) return undefined;
  const users = (await ifPresent(readFile(usersFile, 'utf8'))) ?? '';
  const name = users.split('\n').find((line) => line.split(':')[2] === String(id))?.split(':')[0];
  return `${name ?? id}@${hostname()}`;
}
