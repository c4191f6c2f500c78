import { rename, rmdir, stat } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { shortRunId } from '../../contract/names.js';
import { syncDirectoryOf } from '../../host/files/durable.js';
import { ifPresent } from '../../host/failure.js';
import type { Attempt } from '../activity.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';
import { needSource } from '../source/source.js';
import { isSourceAsStoppedOnVolume, isVolumeAsStopped, restoredFact, type RestoredFact } from '../source/stoppedSource.js';
import { summarise } from '../wrapper/journal.js';

/** Kept once the carried-over cluster has the source's place. */
export interface CarriedFact {
  /** Where the source of before lies now, untouched. */
  readonly kept: string;
  /** ISO time. */
  readonly at: string;
  /** ISO time since which users may have written on the encrypted volume. */
  readonly since?: string;
}

const carriedFact = 'carried-over';
/** Kept before anything is copied: a later run that takes this one up has to find the same directories. */
const placesFact = 'carried-places';

/** Names of directories that exchange places, kept before the first rename: a later run finishes it with the same ones. */
export interface Exchange {
  readonly root: string;
  readonly incoming: string;
  readonly kept: string;
}

/** Of the exchange that gives a restored backup the source's place. */
export const restoredExchangeFact = 'restored-exchange';

/** Where the copy lies, the source, and what is kept of it: beside each other on one filesystem, so that a rename exchanges them. */
export async function carriedPlaces(attempt: Pick<Attempt, 'directory' | 'call'>): Promise<Exchange> {
  const { root } = await needSource(attempt);
  const run = shortRunId(attempt.call.runId);
  return (await readFact<Exchange>(attempt, placesFact)) ?? { root, incoming: `${root}.carried-${run}`, kept: `${root}.before-${run}` };
}

/** The same, kept for whoever goes on from here; an exchange that an earlier carry-over left unfinished is given up. */
export async function takeCarriedPlaces(attempt: Attempt): Promise<Exchange> {
  const places = await carriedPlaces(attempt);
  await keepFact(attempt, placesFact, places);
  await ensureSourceInPlace(attempt);
  return places;
}

/**
 * Before a way back is chosen: an exchange that was cut off is told where it came to its end, and else taken back, so
 * that the source's place holds the source. A place whose database somebody has started stays as it is.
 */
export async function settleExchange(attempt: Attempt): Promise<void> {
  const places = await readFact<Exchange>(attempt, placesFact);
  if (places === undefined || !(await exists(places.kept))) return;
  if ((await exists(places.root)) && !(await isSourceAsStoppedOnVolume(attempt))) return;
  const done = await readFact<CarriedFact>(attempt, carriedFact);
  if (done === undefined) await giveUpExchange(places);
  else await tell(attempt, done);
}

/** Puts the carried-over copy into the source's place; the source is kept beside it. Done twice, it has the effect of once. */
export async function exchangeSource(attempt: Attempt): Promise<CarriedFact> {
  const done = await readFact<CarriedFact>(attempt, carriedFact);
  if (done !== undefined) return tell(attempt, done);
  if (!(await isVolumeAsStopped(attempt))) {
    throw new PermanentFailure('the database was started on the encrypted volume since it was stopped: the copy may lack what was written there', 'answer choose-again, then carry-over: it is stopped and copied anew');
  }
  const places = await carriedPlaces(attempt);
  await finishExchange(places);
  await assertHoldsCopy(attempt, places);
  const { usersMayWriteSince } = summarise(await attempt.readJournal());
  const fact: CarriedFact = { kept: places.kept, at: attempt.now().toISOString(), ...(usersMayWriteSince === undefined ? {} : { since: usersMayWriteSince }) };
  await keepFact(attempt, carriedFact, fact);
  return tell(attempt, fact);
}

/** The copy may have been removed, or its filesystem not be mounted since a reboot: what lies there would pass for it. */
async function assertHoldsCopy(attempt: Attempt, { root, incoming }: Exchange): Promise<void> {
  if (await isSourceAsStoppedOnVolume(attempt)) return;
  throw new PermanentFailure(
    `${root} does not hold what was carried over, and ${incoming} is not there either`,
    `look whether the filesystem of ${root} is mounted (findmnt --target ${root}) and retry; where the copy is gone, answer choose-again, then carry-over: the volume still has everything`,
  );
}

/** Gives a directory the source's place, and keeps the one that has it; goes on where an earlier attempt was cut off. */
export async function finishExchange({ root, incoming, kept }: Exchange): Promise<void> {
  if (!(await exists(incoming))) return;
  await clearPlace(root, kept);
  await rename(incoming, root);
  await syncDirectoryOf(root);
}

/** Whether the source's place holds what users wrote on the encrypted volume. */
export async function isCarriedOver(attempt: Pick<Attempt, 'directory'>): Promise<boolean> {
  return (await readFact<CarriedFact>(attempt, carriedFact)) !== undefined;
}

/** A killed attempt may have kept the fact and not told the journal, from which a later run takes it. */
async function tell(attempt: Attempt, fact: CarriedFact): Promise<CarriedFact> {
  const { carriedOver } = summarise(await attempt.readJournal());
  if (carriedOver !== true) await attempt.journal({ kind: 'carried over', ...fact });
  return fact;
}

/** The source gets its place again; what was copied is kept where it was before the exchange. */
export async function giveUpCarryOver(attempt: Attempt): Promise<void> {
  const fact = await readFact<CarriedFact>(attempt, carriedFact);
  if (fact === undefined) return;
  await giveUpExchange(await carriedPlaces(attempt));
  // The journal first: without the fact nobody would come here again.
  if (summarise(await attempt.readJournal()).carriedOver === true) {
    const at = attempt.now().toISOString();
    await attempt.journal({ kind: 'carry-over void', at, since: fact.since ?? fact.at });
  }
  await dropFact(attempt, carriedFact);
}

/** The source has its own place again, where an exchange was begun and given up. */
export async function ensureSourceInPlace(attempt: Attempt): Promise<{ readonly carriedOver: boolean }> {
  if (await isCarriedOver(attempt)) return { carriedOver: true };
  // Only one that was begun: whatever else lies beside the source is another run's, and perhaps all that is left of it.
  const begun = await readFact<Exchange>(attempt, placesFact);
  if (begun !== undefined) await giveUpExchange(begun);
  const restored = await readFact<Exchange>(attempt, restoredExchangeFact);
  if (restored !== undefined && (await readFact<RestoredFact>(attempt, restoredFact)) === undefined) await giveUpExchange(restored);
  return { carriedOver: false };
}

/** Done twice, it has the effect of once. */
async function giveUpExchange({ root, incoming, kept }: Exchange): Promise<void> {
  if (!(await exists(kept))) return;
  await clearPlace(root, incoming);
  await rename(kept, root);
  await syncDirectoryOf(root);
}

/** What a person may say becomes of what users wrote on the new volume. */
const choices: ReadonlySet<string> = new Set(['carry-over', 'discard-writes', 'continue', 'stop', 'choose-again']);

/** The old database may start: nobody has written on the new volume, or that was carried over, or a person has given it up by name. */
export async function mayReturn(attempt: Pick<Attempt, 'directory' | 'readJournal'>): Promise<boolean> {
  const entries = await attempt.readJournal();
  if (summarise(entries).usersMayWriteSince === undefined) return true;
  if (await isCarriedOver(attempt)) return true;
  // Whoever has gone on since, or has chosen to carry over, has taken that back.
  const chosen = entries.findLast((entry) => entry.kind === 'decision' && entry.outcome === 'counted' && choices.has(entry.answer));
  return chosen?.kind === 'decision' && chosen.answer === 'discard-writes';
}

/** @throws {@link PermanentFailure} where the old database must not start. */
export async function assertMayReturn(attempt: Pick<Attempt, 'directory' | 'readJournal'>): Promise<void> {
  if (await mayReturn(attempt)) return;
  throw new PermanentFailure(
    'users may have written on the encrypted volume since it was switched to: the old database does not start without that',
    'roll back and answer carry-over, or discard-writes to give up what they wrote',
  );
}

/** @throws {@link PermanentFailure} where the encrypted volume may hold what users wrote, which no step writes over. */
export async function assertUnused(attempt: Pick<Attempt, 'readJournal'>, act: string): Promise<void> {
  const { usersMayWriteSince } = summarise(await attempt.readJournal());
  if (usersMayWriteSince === undefined) return;
  throw new PermanentFailure(`users may have written on the encrypted volume since ${usersMayWriteSince}: ${act} would lose that`, 'roll back, with carry-over; or look at what it holds');
}

/** Moves what lies in a place aside; an empty directory, which Docker may have made there meanwhile, is removed. */
async function clearPlace(place: string, aside: string): Promise<void> {
  if (!(await exists(place))) return;
  if (!(await exists(aside))) {
    await rename(place, aside);
    return;
  }
  await rmdir(place).catch(() => {
    throw new PermanentFailure(`${place} and ${aside} both hold files`, `look which of them is the database, and move the other away; then retry`);
  });
}

/** Whether anything lies at a path, followed where it is a symbolic link. */
export async function exists(path: string): Promise<boolean> {
  return (await ifPresent(stat(path))) !== undefined;
}
