import { Command } from 'commander';
import { addAlertsCommand } from './alerts.js';
import { addAuditCommand } from './audit.js';
import { addDecideCommands } from './decide.js';
import { addPassphraseCommand } from './passphrase.js';
import { addPeopleCommand } from './people.js';
import { addPlanCommand } from './plan.js';
import { addRecoveryCommands } from './recovery.js';
import { addRehearseCommand } from './rehearse.js';
import { addRollbackCommand } from './rollback.js';
import { addServerCommand } from './server.js';
import type { Session } from './session.js';
import { addStartCommand } from './start.js';
import { addStatusCommand } from './status.js';
import { addUnlockCommand } from './unlock.js';
import { addUpCommand } from './up.js';
import { addWatchCommand } from './watch.js';
import { addWorkerCommand } from './worker.js';

/**
 * The command line with all its commands.
 *
 * @param version - Lockstep's own.
 */
export function createProgram(session: Session, version: string): Command {
  const program = new Command('lockstep')
    .description('Durable runbooks that move a PostgreSQL under Docker Compose onto an encrypted volume, and back.')
    .version(version)
    .exitOverride()
    // Inherited by every command that is added below.
    .showHelpAfterError('see "lockstep --help"')
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
  addAlertsCommand(program, session);
  addPeopleCommand(program, session);
  addAuditCommand(program, session);
  program.commandsGroup('Answer:');
  addDecideCommands(program, session);
  addUnlockCommand(program, session);
  addRollbackCommand(program, session);
  program.commandsGroup('Passphrases:');
  addPassphraseCommand(program, session);
  addRecoveryCommands(program, session);
  program.commandsGroup('Help:');
  program.helpCommand('help [command]', 'show what a command takes');
  return program;
}
