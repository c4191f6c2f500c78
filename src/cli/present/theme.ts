import { Chalk } from 'chalk';
import type { NodeState, RunState } from '../../contract/status.js';

/** How words are set off from each other on a terminal. */
export interface Theme {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly accent: (text: string) => string;
}

const same = (text: string): string => text;

/** Without colours, for files, pipes and tests. */
export const plainTheme: Theme = { bold: same, dim: same, good: same, bad: same, warning: same, accent: same };

/** @param color - False where NO_COLOR is set or nobody looks at a terminal. */
export function createTheme(color: boolean): Theme {
  if (!color) return plainTheme;
  const chalk = new Chalk();
  return {
    bold: chalk.bold,
    dim: chalk.dim,
    good: chalk.green,
    bad: chalk.red,
    warning: chalk.yellow,
    accent: chalk.cyan,
  };
}

/** One sign for each state of a node, one column wide. */
export function signOf(state: NodeState, theme: Theme): string {
  switch (state) {
    case 'pending':
      return theme.dim('·');
    case 'running':
      return theme.accent('▶');
    case 'open':
      return theme.warning('?');
    case 'done':
      return theme.good('✔');
    case 'skipped':
      return theme.warning('»');
    case 'not needed':
      return theme.dim('–');
    case 'failed':
      return theme.bad('✖');
    case 'undoing':
      return theme.accent('◀');
    case 'undone':
      return theme.warning('↶');
  }
}

/** A run's state in the colour of what it asks of a person. */
export function stateWord(state: RunState, theme: Theme): string {
  const words = theme.bold(state.toUpperCase());
  switch (state) {
    case 'running':
      return theme.accent(words);
    case 'waiting':
    case 'rolling back':
    case 'stopped':
      return theme.warning(words);
    case 'parked':
    case 'failed':
      return theme.bad(words);
    case 'succeeded':
    case 'rolled back':
      return theme.good(words);
  }
}
