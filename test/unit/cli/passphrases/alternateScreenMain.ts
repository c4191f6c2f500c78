import { setTimeout as sleep } from 'node:timers/promises';
import { onAlternateScreen } from '../../../../src/cli/passphrases/alternateScreen.js';
import { plainTheme } from '../../../../src/cli/present/theme.js';

/** Shows a secret, as somebody would who has gone away from the terminal. */
const print = (...lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`);
const terminal = { width: () => 80, height: () => 24, interactive: true, theme: plainTheme, print, warn: print };
await onAlternateScreen(terminal, ['the secret'], () => sleep(60_000));
