import { plainTheme } from '../../../src/cli/present/theme.js';
import type { Session } from '../../../src/cli/session.js';
import { readEnvironment } from '../../../src/config/environment.js';

/** A session of somebody who sits at no terminal, with what the command said. */
export function fakeSession(): { readonly session: Session; readonly said: string[] } {
  const said: string[] = [];
  const say = (...lines: readonly string[]): void => void said.push(...lines);
  const terminal = { width: () => 80, height: () => undefined, interactive: false, theme: plainTheme, print: say, warn: say };
  return { session: { environment: { ...readEnvironment({}), person: 'ann' }, terminal }, said };
}
