import { execa } from 'execa';
import type { Connection } from './connection.js';

/** What a command in the guest is given besides its arguments. */
export interface ExecOptions {
  readonly input?: string | Uint8Array;
  /** Ends the wait, not the command; default 120. */
  readonly timeoutSeconds?: number;
  /** Added to the guest's; visible in its process list, so never secrets. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a command in the guest said. */
export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** What a long-running command in the guest is given. */
export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line of standard output as it comes. */
  readonly onLine?: (line: string) => void;
  /** Called with each line of standard error as it comes. */
  readonly onErrorLine?: (line: string) => void;
}

/** A long-running command in the guest. */
export interface GuestProcess {
  /** Resolves when it has ended: its exit code, or undefined when the guest was lost first. */
  readonly ended: Promise<number | undefined>;
  /** Sends a signal to it and its children. */
  readonly signal: (name: 'TERM' | 'INT' | 'KILL') => Promise<void>;
}

/** Runs programs in the guest, as root, without interpreting their arguments. */
export interface Commands {
  /**
   * Runs a program and waits for it; any exit code is an answer.
   *
   * @throws Error when the guest cannot be reached, or the time is over.
   */
  readonly exec: (file: string, args?: readonly string[], options?: ExecOptions) => Promise<ExecResult>;
  /**
   * Runs a program that has to succeed.
   *
   * @returns its standard output.
   * @throws Error with its standard error when it does not.
   */
  readonly expect: (file: string, args?: readonly string[], options?: ExecOptions) => Promise<string>;
  /** Starts a program that goes on. */
  readonly spawn: (file: string, args?: readonly string[], options?: SpawnOptions) => GuestProcess;
  /** Receives a file of the guest, byte for byte. */
  readonly getFile: (guestPath: string) => Promise<Buffer>;
  /** Makes a file in the guest, with the folders that lead to it. */
  readonly putFile: (file: { content: string | Uint8Array; to: string; mode?: number }) => Promise<void>;
}

/** ssh says this when it lost or never had the guest; programs rarely do. */
const connectionLost = 255;

/** Where the guest notes the processes started by `spawn`. */
const spawnedDirectory = '/run/lockstep-spawned';

/** Commands over a connection that is, or will be, open. */
export function createCommands(connection: Connection): Commands {
  let spawned = 0;

  async function run(command: string, options: ExecOptions, what: string) {
    const timeoutSeconds = options.timeoutSeconds ?? 120;
    const result = await execa('ssh', [...connection.sshArguments, '--', command], {
      reject: false,
      stripFinalNewline: false,
      encoding: 'buffer',
      maxBuffer: 1024 * 1024 * 1024,
      timeout: timeoutSeconds * 1000,
      ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    });
    if (result.timedOut) throw new Error(`${what} in the guest took longer than ${timeoutSeconds} s`);
    const { exitCode } = result;
    if (exitCode === undefined || (exitCode === connectionLost && !(await connection.isOpen()))) {
      throw new Error(`the guest was lost during ${what}: ${asText(result.stderr).trim() || 'it was shut down or cut off'}`);
    }
    return { exitCode, stdout: Buffer.from(result.stdout), stderr: asText(result.stderr) };
  }

  const exec: Commands['exec'] = async (file, args = [], options = {}) => {
    const { stdout, ...rest } = await run(commandLine(file, args, options.env), options, file);
    return { ...rest, stdout: stdout.toString() };
  };
  const expect: Commands['expect'] = async (file, args = [], options = {}) => {
    const { exitCode, stdout, stderr } = await exec(file, args, options);
    if (exitCode !== 0) throw new Error(`${file} in the guest exited with status ${exitCode}: ${(stderr || stdout).trim()}`);
    return stdout;
  };

  return {
    exec,
    expect,
    spawn: (file, args = [], options = {}) => {
      const note = `${spawnedDirectory}/${(spawned += 1)}-${process.pid}`;
      // A session of its own makes it the leader of a group that can be signalled as a whole.
      const noteAndStart = 'mkdir -p "${0%/*}" && echo $$ >"$0" && exec "$@"';
      const command = commandLine('setsid', ['--wait', 'sh', '-c', noteAndStart, note, file, ...args], options.env);
      const child = execa('ssh', [...connection.sshArguments, '--', command], {
        reject: false,
        buffer: false,
        stdin: 'ignore',
      });
      void readLines(child.iterable({ from: 'stdout' }), options.onLine);
      void readLines(child.iterable({ from: 'stderr' }), options.onErrorLine);
      return {
        ended: child.then(async ({ exitCode }) =>
          exitCode === connectionLost && !(await connection.isOpen()) ? undefined : exitCode,
        ),
        signal: async (name) => {
          await exec('sh', ['-c', 'kill -s "$1" -- "-$(cat "$0")"', note, name]);
        },
      };
    },
    getFile: async (guestPath) => {
      const { exitCode, stdout, stderr } = await run(commandLine('cat', ['--', guestPath]), { timeoutSeconds: 600 }, 'cat');
      if (exitCode !== 0) throw new Error(`${guestPath} of the guest can not be read: ${stderr.trim()}`);
      return stdout;
    },
    putFile: async ({ content, to, mode = 0o644 }) => {
      const write = 'mkdir -p "${0%/*}" && umask 077 && cat >"$0" && chmod "$1" "$0"';
      await expect('sh', ['-c', write, to, mode.toString(8)], { input: content, timeoutSeconds: 600 });
    },
  };
}

/** One line for the guest's shell, which sees every argument as it is. */
export function commandLine(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return ['exec', 'env', ...[...variables, file, ...args].map(quote)].join(' ');
}

function quote(argument: string): string {
  return `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

async function readLines(lines: AsyncIterable<unknown>, onLine: ((line: string) => void) | undefined): Promise<void> {
  for await (const line of lines) onLine?.(String(line));
}

function asText(output: Uint8Array | undefined): string {
  return Buffer.from(output ?? []).toString();
}
