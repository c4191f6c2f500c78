import { createOutbox } from '../activities/index.js';
import { ConfigNotAtHand, type LoadedConfig } from '../config/load.js';
import { PermanentFailure } from '../contract/errors.js';
import { createChannels } from '../host/channels/channels.js';
import { renderUndelivered } from './present/alertLines.js';
import { wrapHanging } from './present/text.js';
import { configFlag, loadSessionConfig, type HostOptions, type Session } from './session.js';

/**
 * Lines on the alerts that have not got out, where this is that host and its reader may read them. They stand beside
 * what was asked for: a lockstep.yaml that can not be used is a line as well.
 *
 * @param host - The one that is spoken of.
 */
export async function undeliveredAlerts(session: Session, host: string, options: HostOptions): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  const { terminal } = session;
  try {
    const loaded = await loadSessionConfig(session, options);
    return loaded.config.host === host ? await readLines(session, loaded, options) : [];
  } catch (error) {
    if (error instanceof ConfigNotAtHand) return [];
    if (!(error instanceof PermanentFailure)) throw error;
    return wrapHanging('', terminal.theme.warning(`Whether alerts got out is not known: ${error.message}`), terminal.width());
  }
}

async function readLines({ terminal }: Session, { config }: LoadedConfig, options: HostOptions): Promise<readonly string[]> {
  const contents = await createOutbox(config.stateDirectory).read();
  const view = { width: terminal.width(), theme: terminal.theme, now: new Date(), flags: configFlag(options.config) };
  return renderUndelivered(contents, createChannels(config.alerts.channels), view);
}
