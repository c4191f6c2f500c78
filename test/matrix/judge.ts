import type { Cell } from './breaker.js';
import type { Chain } from './chain.js';
import { nameOf, type Fault, type Place } from './cells.js';
import { repeatedEvents, splitEvent, type HostState } from './hostState.js';

/** Of what an undisturbed run's copy and verification read, all attempts together may read that much. */
const mostRead = 1.1;

/** Reading of a place over all attempts. */
export interface ReadShare {
  readonly place: string;
  /** What the disk gave for each byte of data, as a share of what it gave an undisturbed run. */
  readonly share: number;
  readonly bytesRead: number;
  /** What there was to read: of a verification, both sides. */
  readonly dataBytes: number;
}

/**
 * Holds a disturbed chain against an undisturbed one: both runs ended as theirs, the host is as theirs
 * left it, every audit event is there once, and nothing that was acknowledged is lost.
 *
 * @returns What differs, in words.
 */
export function judge(chain: Chain, undisturbed: Chain): readonly string[] {
  const differing: string[] = [...chain.failures];
  const compare = (what: string, own: unknown, reference: unknown): void => {
    if (JSON.stringify(own) !== JSON.stringify(reference)) differing.push(`${what}: ${JSON.stringify(own)} instead of ${JSON.stringify(reference)}`);
  };
  compare('ends', chain.states, undisturbed.states);
  if (!chain.intact) differing.push(`operations: ${JSON.stringify(chain.verdict)}`);
  chain.hostStates.forEach((state, index) => {
    const reference = undisturbed.hostStates[index];
    const run = chain.records[index]?.runbook ?? '';
    if (reference === undefined) return;
    for (const [what, own] of Object.entries(state.parts)) compare(`${what} after ${run}`, withoutRun(own), withoutRun(reference.parts[what] ?? ''));
    differing.push(...compareEvents(state, reference).map((words) => `audit log of ${run}: ${words}`));
  });
  chain.records.forEach((record, index) => {
    compare(`nodes of ${record.runbook}`, statesOf(record), statesOf(undisturbed.records[index]));
  });
  return differing;
}

/**
 * How much the copies and the verifications read, all attempts together; not a number where it was not counted. A disturbed
 * run has more to read: a base backup that is begun again begins another segment of the log, and its client sends for longer.
 */
export function readShares(chain: Pick<Chain, 'bytesRead' | 'records'>, undisturbed: Pick<Chain, 'bytesRead' | 'records'>, countedPlaces: readonly string[]): readonly ReadShare[] {
  return countedPlaces.map((place) => {
    const own = readingOf(chain, place);
    const reference = readingOf(undisturbed, place);
    return { place, share: own.bytesRead / own.dataBytes / (reference.bytesRead / reference.dataBytes), ...own };
  });
}

function readingOf({ bytesRead, records }: Pick<Chain, 'bytesRead' | 'records'>, place: string): Pick<ReadShare, 'bytesRead' | 'dataBytes'> {
  const [runbook, node] = place.split('/');
  // The first run of a runbook is the one that is counted.
  const figures = records.find((record) => record.runbook === runbook)?.nodes.find(({ id }) => id === node)?.figures ?? {};
  const dataBytes = Number(figures['sizeBytes'] ?? Number(figures['sourceBytes']) + Number(figures['targetBytes']));
  return { bytesRead: bytesRead.get(place) ?? Number.NaN, dataBytes };
}

/**
 * Which of them read too much, in words: what was not counted is not known to hold.
 */
export function judgeShares(shares: readonly ReadShare[]): readonly string[] {
  return shares.filter(({ share }) => !(share <= mostRead)).map(({ place, share }) => `${place}: read ${formatShare(share)} of what an undisturbed run reads`);
}

/** Such as `103 %`. */
export function formatShare(share: number): string {
  return Number.isNaN(share) ? 'an unknown part' : `${Math.round(share * 100)} %`;
}

/** The cells that a column has to have and does not. */
export function missingCells(places: readonly Place[], fault: Fault, cells: readonly Cell[]): readonly string[] {
  const had = new Set(cells.filter((cell) => cell.fault === fault).map(({ place }) => nameOf(place)));
  return places.map(nameOf).filter((name) => !had.has(name));
}

function statesOf(record: Chain['records'][number] | undefined): readonly string[] {
  return record?.nodes.map(({ id, state }) => `${id} ${state}`) ?? [];
}

/** Names that carry the run's id differ by that alone. */
function withoutRun(text: string): string {
  return text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'RUN');
}

function compareEvents(own: HostState, reference: HostState): readonly string[] {
  const there = new Set(own.events.map(withoutOpening));
  const missing = reference.events.map(withoutOpening).filter((key) => !there.has(key));
  return [...repeatedEvents(own.events), ...missing.map((key) => `${key} is missing`)];
}

function withoutOpening(event: string): string {
  const [node = '', phase = '', , name = ''] = splitEvent(event)[0].split('/');
  return `${node}/${phase}/${name}`;
}
