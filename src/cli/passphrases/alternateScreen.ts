import type { Terminal } from '../terminal.js';

const enter = '\x1b[?1049h\x1b[H\x1b[2J';
/** Cleared before it is left: a console without a second screen has shown it on its only one. */
const leave = '\x1b[H\x1b[2J\x1b[?1049l';

/**
 * Shows lines where a full-screen program would, and takes them away again: nothing of them is left on the
 * screen or in what can be scrolled back to.
 *
 * @param use - While it runs the lines are shown; what it prints goes below them.
 */
export async function onAlternateScreen<Result>(terminal: Terminal, lines: readonly string[], use: () => Promise<Result>): Promise<Result> {
  const restore = (): void => void process.stdout.write(leave);
  process.stdout.write(enter);
  // However the process ends.
  process.once('exit', restore);
  try {
    terminal.print(...lines);
    return await use();
  } finally {
    process.off('exit', restore);
    restore();
  }
}
