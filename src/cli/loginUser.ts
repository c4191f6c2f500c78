import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { ifPresent } from '../host/failure.js';
import { CommandFailed, createRun, type Run } from '../host/processes/runner.js';

/** What the kernel has for a process that nobody logged in for (proc_pid_loginuid(5)). */
const nobody = 2 ** 32 - 1;

/** What the login is read from. */
export interface LoginUserSettings {
  /** Default `/proc`. */
  readonly procDirectory?: string;
  readonly run?: Run;
}

/**
 * The user who logged in, whatever sudo or su made of them since: the kernel keeps that, and only root can set it.
 *
 * @returns `ann@db1`; undefined where the kernel does not tell, or nobody knows the name: a number is another person's
 * on the next machine, and would pass for somebody else.
 */
export async function readLoginUser({ procDirectory = '/proc', run = createRun() }: LoginUserSettings = {}): Promise<string | undefined> {
  const text = (await ifPresent(readFile(`${procDirectory}/self/loginuid`, 'utf8')))?.trim() ?? '';
  const id = Number(text);
  if (text === '' || id === nobody) return undefined;
  const name = await readUserName(id, run);
  return name === undefined ? undefined : `${name}@${hostname()}`;
}

/** By the name service, since users may come from a directory server. */
async function readUserName(id: number, run: Run): Promise<string | undefined> {
  try {
    const name = (await run('getent', ['passwd', String(id)])).stdout.split(':')[0] ?? '';
    return name === '' ? undefined : name;
  } catch (error) {
    if (error instanceof CommandFailed) return undefined;
    throw error;
  }
}
