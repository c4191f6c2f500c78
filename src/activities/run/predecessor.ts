import type { Config } from '../../config/schema.js';
import type { Attempt } from '../activity.js';
import { dropFact, keepFact, readFact } from './runFacts.js';
import type { Claim } from '../wrapper/claim.js';
import { runDirectory } from '../wrapper/wrap.js';

/** Whose host this run has taken over: what that run changed is not how the host was. */
interface Predecessor {
  readonly directory: string;
  /** As it was; runs of earlier versions kept none. */
  readonly held?: Claim;
  /** Until what it left running has been ended, whatever becomes of the worker meanwhile. */
  readonly unsettled?: Claim;
}

/** A run that lost its host, and where its journal is. */
export type LostHolder = Claim & { readonly directory: string };

const name = 'taken-over';

type OfRun = Pick<Attempt, 'directory'>;

/** Keeps who holds the host that this run is about to take over; before the claim changes hands, after which only this tells of it. */
export async function keepPredecessor(attempt: OfRun & { readonly config: Config }, held: Claim): Promise<void> {
  await keepFact(attempt, name, { directory: runDirectory(attempt.config, held), held, unsettled: held } satisfies Predecessor);
}

/** The claim went to another run meanwhile. */
export async function dropPredecessor(attempt: OfRun): Promise<void> {
  await dropFact(attempt, name);
}

/** @param settle - Ends what the run before this one left; called again where a crash came in between, and not once it has succeeded. */
export async function settlePredecessor(attempt: OfRun, settle: (predecessor: LostHolder) => Promise<void>): Promise<void> {
  const kept = await readFact<Predecessor>(attempt, name);
  if (kept?.unsettled === undefined) return;
  const { unsettled, ...settled } = kept;
  await settle({ ...unsettled, directory: kept.directory });
  await keepFact(attempt, name, settled satisfies Predecessor);
}

/** Whose host this run has taken over; undefined where it took none over. */
export async function readPredecessor(attempt: OfRun): Promise<Claim | undefined> {
  return (await readFact<Predecessor>(attempt, name))?.held;
}

/** A fact of the run whose host this one has taken over; undefined where it took none over. */
export async function readFactOfPredecessor<Fact>(attempt: OfRun, fact: string): Promise<Fact | undefined> {
  const predecessor = await readFact<Predecessor>(attempt, name);
  return predecessor && readFact<Fact>(predecessor, fact);
}
