import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent } from '../failure.js';

/** A running server, as the lock file in its data directory tells of it. */
export interface Postmaster {
  /** It answers queries. */
  readonly isReady: boolean;
  /** Empty of a server that listens on no network, as the one with which an image initialises a cluster. */
  readonly listenAddress: string;
}

/**
 * The server that runs on a data directory; undefined where none does. The lines of `postmaster.pid` are PostgreSQL's own
 * (src/include/utils/pidfile.h): the sixth is the first address, the eighth the state, since version 10.
 */
export async function readPostmaster({ directory }: { readonly directory: string }): Promise<Postmaster | undefined> {
  const text = await ifPresent(readFile(join(directory, 'postmaster.pid'), 'utf8'));
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  return { listenAddress: lines[5]?.trim() ?? '', isReady: lines[7]?.trim() === 'ready' };
}
