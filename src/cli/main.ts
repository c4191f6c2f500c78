#!/usr/bin/env node
import { readEnvironment } from '../config/environment.js';
import { explainEnd } from './exit.js';
import { sentence } from './present/text.js';
import { createProgram } from './program.js';
import type { Session } from './session.js';
import { openTerminal } from './terminal.js';
import { readVersion } from './version.js';

void run();

/** A function, since the script that the command is bundled into knows no `await` at its top. */
async function run(): Promise<void> {
  const environment = readEnvironment();
  const session: Session = { environment, terminal: openTerminal(environment) };
  try {
    await createProgram(session, await readVersion()).parseAsync();
  } catch (error) {
    const { exitCode, words } = explainEnd(error);
    if (words !== undefined) session.terminal.warn(...sentence(exitCode === 0 ? words : `${session.terminal.theme.bad('lockstep:')} ${words}`, session.terminal));
    process.exitCode = exitCode;
  }
}
