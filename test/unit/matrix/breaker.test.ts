import { expect, it } from 'vitest';
import type { OpenQuestion } from '../../../src/contract/questions.js';
import type { FaultPoint } from '../../../src/rehearsal/faultPoints/point.js';
import type { Rehearsal } from '../../../src/rehearsal/rehearsal.js';
import { createBreaker, type Cell } from '../../matrix/breaker.js';
import { nameOf, type Fault } from '../../matrix/cells.js';
import type { Watch } from '../../matrix/courses/course.js';

const point = (moment: FaultPoint['moment'], node: string, upMilliseconds = 100_000): FaultPoint => ({
  ...{ moment, runbook: 'migrate', node, phase: 'do', call: `${node} ${upMilliseconds}`, upMilliseconds },
});

/** A host whose disk has given as many sectors as are told next. */
function breakerFor(fault: Fault, { sectors = [], rehearsal = {}, watch = () => Promise.resolve([]) }: { sectors?: number[]; rehearsal?: Partial<Rehearsal>; watch?: Watch } = {}, hold: () => Promise<void> = () => Promise.resolve()) {
  const cells: Cell[] = [];
  const cuts: string[] = [];
  const guest = { expect: (file: string) => Promise.resolve(file === 'cat' ? `1 2 ${sectors.shift() ?? 0} 4` : '') } as unknown as Rehearsal['guest'];
  const breaker = createBreaker({
    ...{ rehearsal: { guest, ...rehearsal } as Rehearsal, watch, longNodes: new Set(['copy-data', 'verify-copy']) },
    faultAt: ({ node }) => (node === 'elsewhere' ? undefined : fault),
    usualMilliseconds: () => 0,
    onCut: (place) => {
      cuts.push(nameOf(place));
      return hold();
    },
    onCell: (cell) => void cells.push(cell),
  });
  return { breaker, cells, cuts };
}

it('a worker is killed once at a place, and the cell is noted when another one acts', async () => {
  const { breaker, cells, cuts } = breakerFor('worker killed before');
  expect(await breaker.decide(point('before', 'copy-data'))).toBe('die');
  expect(cuts).toEqual(['migrate/copy-data']);
  // What the dying one still had to say.
  await breaker.decide(point('before', 'elsewhere'));
  expect(cells).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(await breaker.decide(point('before', 'copy-data', 5))).toBe('go');
  expect(cells).toEqual([{ place: { runbook: 'migrate', node: 'copy-data', kind: 'do' }, fault: 'worker killed before', resumedAfter: 5 }]);
});

it('a worker that was killed after its action has the next attempt counted into what was read', async () => {
  const { breaker } = breakerFor('worker killed after', { sectors: [1000, 3000] });
  expect(await breaker.decide(point('before', 'copy-data'))).toBe('go');
  expect(await breaker.decide(point('after', 'copy-data'))).toBe('die');
  expect(breaker.bytesRead.size).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(await breaker.decide(point('before', 'copy-data', 5))).toBe('go');
  expect(await breaker.decide(point('after', 'copy-data', 50))).toBe('go');
  expect(breaker.bytesRead.get('migrate/copy-data')).toBe(2000 * 512);
});

it('what is struck at its end since it was quick is counted too', async () => {
  const server = { killServer: () => Promise.resolve(), startServer: () => Promise.resolve() };
  const { breaker, cells } = breakerFor('server killed', { sectors: [0, 7], rehearsal: server });
  await breaker.decide(point('before', 'verify-copy'));
  expect(await breaker.decide(point('after', 'verify-copy'))).toBe('go');
  expect(cells.map(({ fault }) => fault)).toEqual(['server killed']);
  expect(breaker.bytesRead.get('migrate/verify-copy')).toBe(7 * 512);
});

it('whatever the worker reaches while something breaks waits for that, and a dying one gets no further', async () => {
  let finish = (): void => undefined;
  const held = new Promise<void>((resolve) => (finish = resolve));
  const { breaker, cuts } = breakerFor('worker killed during', { rehearsal: {} }, () => held);
  await breaker.decide(point('before', 'read-host'));
  const during = breaker.decide(point('during', 'read-host'));
  await expect.poll(() => cuts).toEqual(['migrate/read-host']);
  const after = breaker.decide(point('after', 'read-host'));
  const next = breaker.decide(point('during', 'measure-source'));
  finish();
  expect(await Promise.all([during, after, next])).toEqual(['die', 'die', 'die']);
  expect(cuts).toEqual(['migrate/read-host']);
});

it('what could not be broken is a failure, and no cell', async () => {
  const { breaker, cells } = breakerFor('server killed', { rehearsal: { killServer: () => Promise.reject(new Error('no such process')) } });
  await breaker.decide(point('before', 'read-host'));
  expect(await breaker.decide(point('during', 'read-host'))).toBe('go');
  expect(breaker.failures).toEqual(['migrate/read-host: Error: no such process']);
  expect(cells).toEqual([]);
});

it('a power cut that lies behind is not made again, and noted at the first action', async () => {
  const cells: Cell[] = [];
  const place = { runbook: 'migrate', node: 'stop-database', kind: 'do' } as const;
  const breaker = createBreaker({
    ...{ rehearsal: {} as Rehearsal, longNodes: new Set<string>() },
    faultAt: (each) => (nameOf(each) === nameOf(place) ? 'power cut' : undefined),
    usualMilliseconds: () => 0,
    onCut: () => Promise.reject(new Error('a second cut')),
    onCell: (cell) => void cells.push(cell),
    alreadyCut: { place, fault: 'power cut' },
  });
  expect(await breaker.decide(point('before', 'stop-database', 4))).toBe('go');
  expect(await breaker.decide(point('during', 'stop-database', 4))).toBe('go');
  expect(cells).toEqual([{ place, fault: 'power cut', resumedAfter: 4 }]);
  expect(breaker.failures).toEqual([]);
});

it('what must not be at any instant is a failure of the place, told once, and looked for behind each fault as well', async () => {
  const violations = [[], ['one key slot'], ['one key slot'], ['an open volume']];
  const server = { killServer: () => Promise.resolve(), startServer: () => Promise.resolve() };
  const { breaker, cells } = breakerFor('server killed', { rehearsal: server, watch: () => Promise.resolve(violations.shift() ?? []) });
  await breaker.decide(point('before', 'read-host'));
  expect(await breaker.decide(point('during', 'read-host'))).toBe('go');
  expect(cells).toHaveLength(1);
  await breaker.decide(point('after', 'read-host'));
  const question = { id: 'elsewhere', node: 'elsewhere', kind: 'gate' } as OpenQuestion;
  expect(await breaker.atQuestion('migrate', question)).toBe(false);
  expect(breaker.failures).toEqual(['migrate/read-host: one key slot', 'migrate/elsewhere: an open volume']);
});
