import type { Config } from '../../config/schema.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';

type Place = Pick<Config, 'stateDirectory'>;

/** Left by `shutdown`: the volume is closed because somebody wanted that, until the host is booted again. */
export interface ShutDownMark {
  readonly bootId: string;
  /** ISO time. */
  readonly at: string;
  /** Who started the run, as claimed. */
  readonly by: string;
}

const shutDownFact = 'shut-down';
const leftAloneFact = 'stopped-by-hand';

/** Marks the volume as closed on purpose, in this boot. */
export function markShutDown({ stateDirectory }: Place, mark: ShutDownMark): Promise<void> {
  return keepFact({ directory: stateDirectory }, shutDownFact, mark);
}

/** The mark, of whichever boot it is. */
export function readShutDown({ stateDirectory }: Place): Promise<ShutDownMark | undefined> {
  return readFact<ShutDownMark>({ directory: stateDirectory }, shutDownFact);
}

/** The service is up again: nothing is closed on purpose any more. */
export async function dropShutDown(place: Place): Promise<void> {
  if ((await readShutDown(place)) !== undefined) await dropFact({ directory: place.stateDirectory }, shutDownFact);
}

/** Containers that an administrator stopped, by id, with the time of that end. */
export type LeftAlone = Readonly<Record<string, string>>;

/** Docker forgets who stopped a container when it is restarted: what was seen before that is kept. */
export function keepLeftAlone({ stateDirectory }: Place, leftAlone: LeftAlone): Promise<void> {
  return keepFact({ directory: stateDirectory }, leftAloneFact, leftAlone);
}

/** The containers of {@link keepLeftAlone}; empty where there are none. */
export async function readLeftAlone({ stateDirectory }: Place): Promise<LeftAlone> {
  return (await readFact<LeftAlone>({ directory: stateDirectory }, leftAloneFact)) ?? {};
}
