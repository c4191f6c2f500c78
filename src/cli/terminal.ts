import type { Environment } from '../config/environment.js';
import { createTheme, type Theme } from './present/theme.js';

/** Where a command's words go, and how much room there is. */
export interface Terminal {
  /** Columns; 80 where nobody looks at a terminal. */
  readonly width: () => number;
  /** Rows; undefined where nobody looks at a terminal. */
  readonly height: () => number | undefined;
  /** A person sits at both ends. */
  readonly interactive: boolean;
  readonly theme: Theme;
  readonly print: (...lines: readonly string[]) => void;
  /** Words about the command rather than of its result. */
  readonly warn: (...lines: readonly string[]) => void;
}

/** The process's own terminal. */
export function openTerminal(environment: Environment): Terminal {
  const { stdout, stdin, stderr } = process;
  for (const stream of [stdout, stderr]) stream.on('error', ignoreNoReader);
  const write = (stream: NodeJS.WriteStream, lines: readonly string[]) => void stream.write(lines.map((line) => `${line}\n`).join(''));
  return {
    width: () => (stdout.isTTY ? stdout.columns : 80),
    height: () => (stdout.isTTY ? stdout.rows : undefined),
    interactive: stdout.isTTY && stdin.isTTY && !environment.ci,
    theme: createTheme(environment.color && stdout.isTTY),
    print: (...lines) => write(stdout, lines),
    warn: (...lines) => write(stderr, lines),
  };
}

/** Whoever read has gone, as after `| head` or Ctrl-C in a pipe: what the command began comes to its end all the same. */
function ignoreNoReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
}
