import { CommandFailed, type Run, type RunOptions, type RunResult } from '../../src/host/processes/runner.js';

/** One command that a test allows, and what it answers. */
export interface Expected {
  readonly file: string;
  /** The exact arguments, or a predicate on them. */
  readonly args: readonly string[] | ((args: readonly string[]) => boolean);
  readonly answer?: string | Partial<RunResult> | ((args: readonly string[], options: RunOptions) => string | Partial<RunResult>);
}

/** A command that the code under test started. */
export interface Call {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: RunOptions;
}

/** A runner that throws on any command it was not told of, and records those that it was. */
export function createFakeRun(expected: readonly Expected[]): Run & { readonly calls: readonly Call[] } {
  const calls: Call[] = [];
  const run: Run = (file, args, options = {}) => {
    const match = expected.find((candidate) => candidate.file === file && matches(candidate.args, args));
    if (!match) return Promise.reject(new Error(`the test told of no such command: ${[file, ...args].join(' ')}`));
    // A secret is overwritten as soon as the command has ended.
    calls.push({ file, args, options: options.input instanceof Uint8Array ? { ...options, input: Uint8Array.from(options.input) } : options });
    const given = typeof match.answer === 'function' ? match.answer(args, options) : (match.answer ?? '');
    const answer = { stdout: '', stderr: '', exitCode: 0, ...(typeof given === 'string' ? { stdout: given } : given) };
    if (!(options.answers ?? [0]).includes(answer.exitCode)) {
      return Promise.reject(new CommandFailed(file, answer.exitCode, `exited with status ${answer.exitCode}`, answer));
    }
    if (options.onLine) answer.stdout.split(/[\r\n]+/).filter((line) => line !== '').forEach(options.onLine);
    return Promise.resolve(answer);
  };
  return Object.assign(run, { calls });
}

/** What a command was given on its standard input. */
export function inputOf(call: Call | undefined): string {
  const input = call?.options.input ?? '';
  if (typeof input === 'string') return input;
  if (input instanceof Uint8Array) return Buffer.from(input).toString();
  throw new Error('the command was given a stream');
}

function matches(expected: Expected['args'], args: readonly string[]): boolean {
  if (typeof expected === 'function') return expected(args);
  return expected.length === args.length && expected.every((value, index) => value === args[index]);
}
