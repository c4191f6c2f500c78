import type { Command } from 'commander';
import type { People } from '../config/peopleSchema.js';
import { ConfigNotAtHand } from '../config/load.js';
import { renderKeyHolders } from './docs/renderKeyHolders.js';
import { renderPeople } from './present/peopleLines.js';
import { loadSessionConfig, type HostOptions, type Session } from './session.js';

interface PeopleOptions extends Pick<HostOptions, 'config'> {
  readonly markdown?: boolean;
}

/** Adds `people`: who holds which key, whom to call, where each secret is kept, and what is missing of that. */
export function addPeopleCommand(program: Command, session: Session): void {
  program
    .command('people')
    .description('show who holds which key, whom to call, where each secret is kept, and what is missing of that')
    .option('--config <file>', 'lockstep.yaml (default: LOCKSTEP_CONFIG, or /etc/lockstep/lockstep.yaml)')
    .option('--markdown', 'the key holders as a table for a page')
    .action((options: PeopleOptions) => showPeople(session, options));
}

async function showPeople(session: Session, options: PeopleOptions): Promise<void> {
  const { terminal } = session;
  const { config } = await loadSessionConfig(session, options);
  terminal.print(
    ...(options.markdown === true ? [renderKeyHolders(config.people)] : renderPeople(config.people, { width: Math.min(100, terminal.width()), theme: terminal.theme, now: new Date() })),
  );
}

/**
 * The people of lockstep.yaml for what is shown at a terminal, where this is the host that is meant and its
 * reader may read it: they are known nowhere else.
 */
export async function peopleForView(session: Session, options: HostOptions): Promise<{ readonly people?: People }> {
  if (options.host !== undefined && options.config === undefined) return {};
  try {
    const { config } = await loadSessionConfig(session, options);
    return options.host === undefined || options.host === config.host ? { people: config.people } : {};
  } catch (error) {
    if (error instanceof ConfigNotAtHand) return {};
    throw error;
  }
}
