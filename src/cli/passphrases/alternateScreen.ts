import type { Terminal } from '../terminal.js';

const enter = '\x1b[?1049h\x1b[H\x1b[2J';
/** Cleared before it is left: a console without a second screen has shown it on its only one. */
const leave = '\x1b[H\x1b[2J\x1b[?1049l';

const ending = ['SIGTERM', 'SIGHUP'] as const;

/**
 * Shows lines where a full-screen program would, and takes them away again: nothing of them is left on the
 * screen or in what can be scrolled back to.
 *
 * @param use - While it runs the lines are shown; what it prints goes below them.
 */
export async function onAlternateScreen<Result>(terminal: Terminal, lines: readonly string[], use: () => Promise<Result>): Promise<Result> {
  const restore = (): void => void process.stdout.write(leave);
  // A signal ends a process without its exit: it is sent again once the screen is clear.
  const end = (signal: NodeJS.Signals): void => {
    restore();
    process.kill(process.pid, signal);
  };
  process.stdout.write(enter);
  process.once('exit', restore);
  for (const signal of ending) process.once(signal, end);
  try {
    terminal.print(...lines);
    return await use();
  } finally {
    process.off('exit', restore);
    for (const signal of ending) process.off(signal, end);
    restore();
  }
}
