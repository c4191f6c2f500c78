import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { execa, type Options } from 'execa';

/** How long a command may take, in seconds, by what it is; null has no limit but cancellation. */
export const timeoutSeconds = {
  /** Reads a fact: more than this is a hang. */
  quick: 30,
  /** Changes one thing, argon2id with 1 GiB on a slow machine included. */
  standard: 180,
  /** Waits for services: PostgreSQL writes its last checkpoint, containers become healthy. */
  service: 900,
  /** Grows with the data: copy, dump, restore. Only progress or a person ends it. */
  unlimited: null,
} as const;

/** The name of a {@link timeoutSeconds} profile. */
export type Timeout = keyof typeof timeoutSeconds;

/** What a command is given besides its arguments. */
export interface RunOptions {
  /** Written to standard input, a stream as it comes; the one way in for secrets besides `secretDescriptors`. */
  readonly input?: string | Uint8Array | Readable;
  /**
   * Secrets for further descriptors, in order from descriptor 3. They are sockets: a program can read
   * them (`gpg --passphrase-fd 3`) but not open them by path (`/dev/fd/3`).
   */
  readonly secretDescriptors?: readonly string[];
  /** Default `quick`; seconds where lockstep.yaml sets them. */
  readonly timeout?: Timeout | { readonly seconds: number };
  /** Ends the command with SIGTERM, after 5 s with SIGKILL. */
  readonly signal?: AbortSignal;
  readonly cwd?: string;
  /** Added to the worker's own environment; never secrets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are answers rather than failures; default only 0. */
  readonly answers?: readonly number[];
  /** Called with each line of standard output as it comes; a carriage return ends a line too. */
  readonly onLine?: (line: string) => void;
  /** `onLine` gets standard error as well, and nothing of it is kept for the log of failures. */
  readonly mergeOutput?: boolean;
  /**
   * Standard output is a secret: it goes to this function alone, as bytes in buffers that are its to
   * overwrite. The result, a failure and its log have nothing of it, and standard error goes to nobody.
   */
  readonly onSecretOutput?: (piece: Buffer) => void;
  /** Called with the id of the process; not where it could not be started. */
  readonly onStart?: (processId: number) => void;
}

/** What a command said. */
export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * Starts a program with an argument array, without a shell, and waits for it.
 *
 * @throws {@link CommandFailed} when it cannot be started, exits with a code that is no answer, is
 * killed, or exceeds its time.
 */
export type Run = (file: string, args: readonly string[], options?: RunOptions) => Promise<RunResult>;

/**
 * A command that failed. Its message names the program and how it ended, and neither its arguments
 * nor its output, since messages reach Temporal's history. A host tool reads `stderr` to tell one
 * failure from another, and throws an error of its own words.
 */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly #output: { stdout: string; stderr: string };

  constructor(
    readonly program: string,
    readonly exitCode: number | undefined,
    readonly how: string,
    output: { stdout: string; stderr: string },
    /** False where there was no process at all. */
    readonly hasStarted = true,
  ) {
    super(`${program} ${how}`);
    this.#output = output;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  get stdout(): string {
    return this.#output.stdout;
  }
}

/** Where a runner puts the processes that it starts, and what it is told of them. */
export interface RunnerSettings {
  /** A control group's directory: every process started, and their children, live in it. */
  readonly controlGroup?: string;
  /** Ends whatever runs when it is aborted. */
  readonly signal?: AbortSignal;
  /** Told of every command that failed, for the run's own log on the host. */
  readonly onFailure?: (failure: CommandFailed) => void;
}

/** The one place where Lockstep starts processes. */
export function createRun(settings: RunnerSettings = {}): Run {
  return async (file, args, options = {}) => {
    const [program, programArgs] = inControlGroup(settings.controlGroup, file, args);
    const secrets = (options.secretDescriptors ?? []).map((secret) => Buffer.from(secret));
    const child = execa(program, programArgs, toExecaOptions(settings, options, secrets));
    if (child.pid !== undefined) options.onStart?.(child.pid);
    if (options.onLine) readLines(options.mergeOutput === true && child.all !== undefined ? child.all : child.stdout, options.onLine);
    if (options.onSecretOutput) readSecret(child, options.onSecretOutput);
    const result = await child;
    for (const secret of secrets) secret.fill(0);
    const output = { stdout: asText(result.stdout), stderr: asText(result.stderr) };
    const answers = options.answers ?? [0];
    if (result.exitCode !== undefined && !result.timedOut && !result.isCanceled && answers.includes(result.exitCode)) {
      return { ...output, exitCode: result.exitCode };
    }
    const failure = new CommandFailed(file, result.exitCode, describeEnd(result, options.cwd), output, child.pid !== undefined);
    settings.onFailure?.(failure);
    throw failure;
  };
}

/**
 * A process joins its control group before it becomes the program, so that no child of it is ever
 * outside. Node cannot do that between fork and exec, hence the fixed one-line trampoline; the
 * arguments are passed as arguments and never parsed.
 */
export function inControlGroup(
  controlGroup: string | undefined,
  file: string,
  args: readonly string[],
): [string, readonly string[]] {
  if (controlGroup === undefined) return [file, args];
  const join = 'echo 0 > "$0/cgroup.procs" && exec "$@"';
  return ['/bin/sh', ['-c', join, controlGroup, file, ...args]];
}

function toExecaOptions(settings: RunnerSettings, options: RunOptions, secrets: readonly Buffer[]) {
  const { timeout = 'quick' } = options;
  const seconds = typeof timeout === 'string' ? timeoutSeconds[timeout] : timeout.seconds;
  const isSecret = options.onSecretOutput !== undefined;
  const signals = [settings.signal, options.signal].filter((signal) => signal !== undefined);
  return {
    reject: false,
    stdio: [
      options.input === undefined ? 'ignore' : 'pipe',
      'pipe',
      isSecret ? 'ignore' : 'pipe',
      ...secrets,
    ],
    all: options.mergeOutput === true,
    buffer: options.onLine === undefined && !isSecret ? true : { stdout: false, stderr: options.mergeOutput !== true, all: false },
    maxBuffer: 64 * 1024 * 1024,
    stripFinalNewline: false,
    forceKillAfterDelay: 5_000,
    // Messages of tools are read by host tools: they must not change with the operator's language.
    env: { LC_ALL: 'C.UTF-8', ...options.env },
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(seconds === null ? {} : { timeout: seconds * 1000 }),
    ...(signals.length === 0 ? {} : { cancelSignal: AbortSignal.any(signals) }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  } satisfies Options;
}

function describeEnd(result: {
  timedOut: boolean;
  isCanceled: boolean;
  exitCode?: number | undefined;
  signal?: string | undefined;
  code?: string | undefined;
}, cwd?: string): string {
  if (result.timedOut) return 'took longer than its time limit and was ended';
  if (result.isCanceled) return 'was cancelled';
  // The kernel says the same of a missing program and of a missing directory to start it in.
  if (result.code === 'ENOENT' && cwd !== undefined && !existsSync(cwd)) return `could not be started in ${cwd}, which does not exist`;
  if (result.code === 'ENOENT') return 'is not installed on this host';
  if (result.signal !== undefined) return `was killed by ${result.signal}`;
  if (result.exitCode !== undefined) return `exited with status ${result.exitCode}`;
  return `could not be started (${result.code ?? 'unknown reason'})`;
}

/** What a program leaves behind, such as an agent that it started, may hold its output open for ever: it is not waited for. */
function readSecret(child: { readonly stdout: Readable; readonly once: (event: 'exit', listener: () => void) => unknown }, onSecretOutput: (piece: Buffer) => void): void {
  const { stdout } = child;
  stdout.on('data', onSecretOutput);
  child.once('exit', () => {
    // Behind one more look at the pipe, so that a busy worker never takes the first half of a secret for the whole.
    const abandon = setTimeout(() => setImmediate(() => stdout.destroy()), lingersMilliseconds);
    stdout.once('close', () => clearTimeout(abandon));
  });
}

/** For what was written before the end and is still in the pipe. */
const lingersMilliseconds = 1000;

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split(/[\r\n]+/);
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

function asText(output: unknown): string {
  return typeof output === 'string' ? output : '';
}
