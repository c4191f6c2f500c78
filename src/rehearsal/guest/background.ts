import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { type ProcessIdentity, readProcessIdentity } from './processIdentity.js';

/** A program that outlives the call which starts it. */
export interface BackgroundProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Receives its standard output and error; appended to. */
  readonly outputFile: string;
}

/** A program that was started, and its end. */
export interface BackgroundProcess {
  /** Absent when it had ended before it could be read. */
  readonly identity?: ProcessIdentity;
  /** Resolves when the program has ended, however it ended. */
  readonly ended: Promise<void>;
}

/**
 * Starts a program in a process group of its own, which a terminal's Ctrl-C does not reach and which
 * is killed as a whole. The kernel ends it when this process dies, however that dies: a guest without
 * an owner would hold its memory for ever. The runner cannot: it starts nothing that it does not wait for.
 *
 * @throws Error when the program cannot be started.
 */
export async function startInBackground({ file, args, outputFile }: BackgroundProgram): Promise<BackgroundProcess> {
  const output = await open(outputFile, 'a', 0o600);
  try {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], { detached: true, stdio: ['ignore', output.fd, output.fd] });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await once(child, 'spawn');
    const identity = child.pid === undefined ? undefined : await readProcessIdentity(child.pid);
    // A guest that its owner forgets must not keep the owner from ending.
    child.unref();
    return { ...(identity === undefined ? {} : { identity }), ended };
  } finally {
    await output.close();
  }
}
