import type { Readable, Writable } from 'node:stream';
import { execa, type Options } from 'execa';
import { CommandFailed, inControlGroup } from './runner.js';

/** One program of a pipeline. */
export interface Stage {
  readonly file: string;
  readonly args: readonly string[];
  /** What errors call it where the program is only the way to it, as `docker exec … pg_dump`; default: the file. */
  readonly name?: string;
  /** Added to the worker's own environment; never secrets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Secrets for further descriptors, in order from descriptor 3. */
  readonly secretDescriptors?: readonly (string | Uint8Array)[];
  /**
   * Written to the stage's input as its last bytes, once everything before it succeeded. A program in a
   * container takes the death of the client that feeds it for the end of its input; one that acts on
   * these bytes, and not on the end, does not act then.
   */
  readonly finalInput?: string;
  /** Whether the result carries the digest of what this stage gave out; the last stage's always does. */
  readonly digest?: boolean;
}

/** A program of a pipeline that runs. */
export interface StartedStage {
  readonly name: string;
  /** Takes a chunk when the program can; false when it reads no more. */
  readonly write: (chunk: Uint8Array) => Promise<boolean>;
  /** Tells the program that its input is whole. */
  readonly endInput: () => void;
  readonly output: Readable;
  /** How it failed; undefined when it succeeded. Comes after its output has ended. */
  readonly ended: Promise<CommandFailed | undefined>;
  /** SIGTERM, after 5 s SIGKILL. */
  readonly kill: () => void;
}

const stderrTailBytes = 64 * 1024;

/** Starts a stage with pipes on its three standard streams; without input it reads from /dev/null. */
export function startStage(stage: Stage, { controlGroup, hasInput }: { controlGroup: string | undefined; hasInput: boolean }): StartedStage {
  const name = stage.name ?? stage.file;
  const [program, args] = inControlGroup(controlGroup, stage.file, stage.args);
  const secrets = (stage.secretDescriptors ?? []).map((secret) => Buffer.from(secret));
  const child = execa(program, args, {
    reject: false,
    buffer: false,
    stdio: [hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe', ...secrets],
    forceKillAfterDelay: 5_000,
    // Messages of tools are read by host tools: they must not change with the operator's language.
    env: { LC_ALL: 'C.UTF-8', ...stage.env },
  } satisfies Options);
  const { stdout, stderr } = child;
  const stdin: Writable | null = child.stdin;
  const readStderr = keepTail(stderr);
  // The write that fails reports it; without a listener the error would end the process.
  stdin?.on('error', () => undefined);
  return {
    name,
    write: (chunk) =>
      new Promise((resolve) => {
        if (stdin === null) resolve(false);
        else stdin.write(chunk, (error) => { resolve(!error); });
      }),
    endInput: () => stdin?.end(stage.finalInput ?? ''),
    output: stdout,
    ended: child.then((result) => {
      for (const secret of secrets) secret.fill(0);
      if (result.exitCode === 0) return undefined;
      return new CommandFailed(name, result.exitCode, describeEnd(result), { stdout: '', stderr: readStderr() });
    }),
    kill: () => {
      // A grandchild that outlives it may hold these open; they are waited for no longer.
      const abandon = () => { [stdin, stdout, stderr].forEach((stream) => stream?.destroy()); };
      if (child.kill()) child.once('exit', abandon);
      else abandon();
    },
  };
}

function keepTail(stream: Readable): () => string {
  let tail = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-stderrTailBytes);
  });
  return () => tail.toString('utf8');
}

function describeEnd(result: { exitCode?: number | undefined; signal?: string | undefined; code?: string | undefined }): string {
  if (result.code === 'ENOENT') return 'is not installed on this host';
  if (result.signal !== undefined) return `was killed by ${result.signal}`;
  if (result.exitCode !== undefined) return `exited with status ${result.exitCode}`;
  return `could not be started (${result.code ?? 'unknown reason'})`;
}
