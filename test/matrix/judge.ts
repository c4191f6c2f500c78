import type { Cell, Chain } from './chain.js';
import { nameOf, type Fault, type Place } from './cells.js';
import type { HostState } from './hostState.js';

/** Of what an undisturbed run's copy and verification read, all attempts together may read that much. */
const mostRead = 1.1;

/** Steps whose reading is held against an undisturbed run's; a power cut empties the page cache, and is held against nothing. */
const countedNodes = ['migrate/copy-data', 'migrate/verify-copy'] as const;

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
    for (const what of ['slots', 'compose', 'leftovers'] as const) compare(`${what} after ${run}`, withoutRun(state[what]), withoutRun(reference[what]));
    differing.push(...compareEvents(state, reference).map((words) => `audit log of ${run}: ${words}`));
  });
  chain.records.forEach((record, index) => {
    compare(`nodes of ${record.runbook}`, statesOf(record), statesOf(undisturbed.records[index]));
  });
  return differing;
}

/** Reading of the copy and the verification, over all attempts, as a share of the undisturbed run's. */
export function readShares(chain: Chain, undisturbed: Chain): readonly { readonly node: string; readonly share: number; readonly holds: boolean }[] {
  return countedNodes.flatMap((node) => {
    const own = chain.bytesRead.get(node);
    const reference = undisturbed.bytesRead.get(node);
    if (own === undefined || reference === undefined || reference === 0) return [];
    return [{ node, share: own / reference, holds: own / reference <= mostRead }];
  });
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

/** Each is there once. A step that lost its passphrase with its worker is opened anew, and what it then does again is told again. */
export function repeatedEvents({ events }: HostState): readonly string[] {
  return events
    .map(split)
    .filter(([, count]) => count > 1)
    .map(([key, count]) => `${key} is there ${count} times`);
}

function compareEvents(own: HostState, reference: HostState): readonly string[] {
  const there = new Set(own.events.map(withoutOpening));
  const missing = reference.events.map(withoutOpening).filter((key) => !there.has(key));
  return [...repeatedEvents(own), ...missing.map((key) => `${key} is missing`)];
}

function withoutOpening(event: string): string {
  const [node = '', phase = '', , name = ''] = split(event)[0].split('/');
  return `${node}/${phase}/${name}`;
}

function split(event: string): readonly [string, number] {
  const at = event.lastIndexOf(' ');
  return [event.slice(0, at), Number(event.slice(at + 1))];
}
