import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandFailed } from '../../host/processes/runner.js';

const longest = 20_000;

/**
 * Keeps what failed commands said in the run's own directory, which only root reads: their words help
 * a person and must not reach Temporal's history. Arguments are left out; secrets are never among
 * what a tool says, since they only ever reach its standard input.
 */
export function appendCommandLog(directory: string): (failure: CommandFailed) => void {
  return (failure) => {
    const said = [failure.stderr, failure.stdout].join('\n').trim().slice(-longest);
    appendFileSync(join(directory, 'commands.log'), `${new Date().toISOString()} ${failure.message}\n${said}\n\n`, { mode: 0o600 });
  };
}
