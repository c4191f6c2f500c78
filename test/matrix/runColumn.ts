import { startDirector } from '../../src/rehearsal/faultPoints/director.js';
import { hostFiles } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost } from '../e2e/host.js';
import type { Cell } from './breaker.js';
import { runChain, type Chain } from './chain.js';
import { nameOf, type Fault, type Place } from './cells.js';
import type { Course } from './courses/course.js';
import { createCutKeeper, readCut, type FailedCell } from './cuts.js';

/** What one chain of the matrix is told. */
export interface ColumnSettings {
  readonly course: Course;
  /** Of the disposable host. */
  readonly name: string;
  readonly server: 'inside' | 'outside';
  readonly faultAt: (place: Place) => Fault | undefined;
  /** Of an undisturbed chain, by the name of the place. */
  readonly durations?: ReadonlyMap<string, number>;
  readonly onCell?: (cell: Cell) => void;
  /** Where snapshots of cuts go; absent: none are taken. */
  readonly snapshots?: string;
  /** The folder of a snapshot to go on from. */
  readonly from?: string;
}

/** A chain that did not come to its end. */
export class BrokenChain extends Error {
  override readonly name = 'BrokenChain';

  constructor(
    cause: unknown,
    commandsLog: string,
    /** Where it broke, if anything had been broken until then. */
    readonly cell: FailedCell | undefined,
  ) {
    super([cause instanceof Error ? cause.message : String(cause), commandsLog].join('\n'), { cause });
  }
}

/** Where an undisturbed chain was not measured, the middle of an action is taken to be there. */
const unknownMilliseconds = 600;

/**
 * One chain on a host of its own.
 *
 * @throws {@link BrokenChain} where it does not come to its end.
 */
export async function runColumn({ course, name, server, faultAt, durations, onCell = () => undefined, snapshots, from }: ColumnSettings): Promise<Chain> {
  const director = await startDirector();
  try {
    const rehearsal = await openTestHost(name, { server, directorPort: director.port, config: course.config(), ...(from === undefined ? {} : { snapshot: from }) });
    const cuts = snapshots === undefined ? undefined : await createCutKeeper(rehearsal, snapshots);
    try {
      await rehearsal.startWorker();
      return await runChain({
        ...{ course, rehearsal, director, faultAt, onCell },
        usualMilliseconds: (place) => durations?.get(nameOf(place)) ?? unknownMilliseconds,
        ...(cuts === undefined ? {} : { cuts }),
        ...(from === undefined ? {} : { from: await readCut(from) }),
      });
    } catch (error) {
      throw new BrokenChain(error, await readCommandsLog(rehearsal), cuts?.last());
    } finally {
      await rehearsal.close();
    }
  } finally {
    await director.close();
  }
}

/** The host is thrown away, and with it what its commands said. */
async function readCommandsLog({ guest }: Rehearsal): Promise<string> {
  const { stdout } = await guest.exec('sh', ['-c', `tail --lines=20 ${hostFiles.state}/runs/*/commands.log`]).catch((error: unknown) => ({ stdout: String(error) }));
  return stdout;
}
