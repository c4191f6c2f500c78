import { startDirector } from '../../src/rehearsal/faultPoints/director.js';
import { hostConfig } from '../../src/rehearsal/hostConfig.js';
import { openTestHost } from '../e2e/host.js';
import type { Cell, Chain } from './chain.js';
import { runChain } from './chain.js';
import { nameOf, type Fault, type Place } from './cells.js';

/** What one chain of the matrix is told. */
export interface ColumnSettings {
  /** Of the disposable host. */
  readonly name: string;
  readonly server: 'inside' | 'outside';
  readonly faultAt: (place: Place) => Fault | undefined;
  /** Of an undisturbed chain, by the name of the place. */
  readonly durations?: ReadonlyMap<string, number>;
  readonly onCell?: (cell: Cell) => void;
}

/** Where an undisturbed chain was not measured, the middle of an action is taken to be there. */
const unknownMilliseconds = 600;

/** One chain on a host of its own. Its maintenance window lies ahead, so that the wait for it is a place too. */
export async function runColumn({ name, server, faultAt, durations, onCell }: ColumnSettings): Promise<Chain> {
  const director = await startDirector();
  const { maintenance } = hostConfig({ firstHourSeconds: 0, daySeconds: 0 });
  const window = { opensAt: new Date(Date.now() + 24 * 3600 * 1000).toISOString() };
  const config = { maintenance: { ...(maintenance as object), window }, backup: { filesystemCopy: 'pg_basebackup' } };
  try {
    const rehearsal = await openTestHost(name, { server, directorPort: director.port, config });
    try {
      await rehearsal.startWorker();
      return await runChain({
        ...{ rehearsal, director, faultAt },
        usualMilliseconds: (place) => durations?.get(nameOf(place)) ?? unknownMilliseconds,
        ...(onCell === undefined ? {} : { onCell }),
      });
    } finally {
      await rehearsal.close();
    }
  } finally {
    await director.close();
  }
}
