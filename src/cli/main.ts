#!/usr/bin/env node
import { Command } from 'commander';
import { readEnvironment } from '../config/environment.js';
import { addDecideCommands } from './decide.js';
import { explainEnd } from './exit.js';
import { addPlanCommand } from './plan.js';
import { addRehearseCommand } from './rehearse.js';
import { addRollbackCommand } from './rollback.js';
import { addServerCommand } from './server.js';
import type { Session } from './session.js';
import { addStartCommand } from './start.js';
import { addStatusCommand } from './status.js';
import { openTerminal } from './terminal.js';
import { addUnlockCommand } from './unlock.js';
import { addUpCommand } from './up.js';
import { readVersion } from './version.js';
import { addWatchCommand } from './watch.js';
import { addWorkerCommand } from './worker.js';

void run();

/** A function, since the script that the command is bundled into knows no `await` at its top. */
async function run(): Promise<void> {
  const environment = readEnvironment();
  const session: Session = { environment, terminal: openTerminal(environment) };

  const program = new Command('lockstep')
    .description('Durable runbooks that move a PostgreSQL under Docker Compose onto an encrypted volume, and back.')
    .version(await readVersion())
    .exitOverride()
    .helpCommand(false)
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .addHelpText(
      'after',
      `
A first look:         lockstep plan migrate
On the host, as root: lockstep up, then in another terminal: lockstep start migrate --watch
Exit status:          0 done, 1 failed, 2 wrong usage, 3 refused, 4 nobody answered`,
    );

  program.commandsGroup('Look ahead:');
  addPlanCommand(program, session);
  addRehearseCommand(program, session);
  program.commandsGroup('Run:');
  addUpCommand(program, session);
  addServerCommand(program, session);
  addWorkerCommand(program, session);
  addStartCommand(program, session);
  program.commandsGroup('Look on:');
  addWatchCommand(program, session);
  addStatusCommand(program, session);
  program.commandsGroup('Answer:');
  addDecideCommands(program, session);
  addUnlockCommand(program, session);
  addRollbackCommand(program, session);

  try {
    await program.parseAsync();
  } catch (error) {
    const { exitCode, words } = explainEnd(error);
    if (words !== undefined) session.terminal.warn(exitCode === 0 ? words : `${session.terminal.theme.bad('lockstep:')} ${words}`);
    process.exitCode = exitCode;
  }
}
