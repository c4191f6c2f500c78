import { expect, test } from 'vitest';
import { stepActivities } from '../../../src/activities/activities.js';
import { shutdown } from '../../../src/workflows/shutdown.js';
import { startup } from '../../../src/workflows/startup.js';
import { examineRunbook, readsOfSummary } from './examine.js';

const started = await examineRunbook(startup);
const stopped = await examineRunbook(shutdown);

test.each([
  ['startup', started],
  ['shutdown', stopped],
])('of %s every result is read after the step that finds it, and every activity exists', (_, examined) => {
  const at = (id: string) => examined.findIndex((node) => node.id === id);
  for (const { id, reads } of examined) for (const read of reads) expect(at(read), `${id} reads ${read}`).toBeLessThan(at(id));
  expect(examined.flatMap(({ does, undoes }) => [...does, ...undoes]).filter((name) => !Object.hasOwn(stepActivities, name))).toEqual([]);
});

test('nothing is started before the volume was checked, and a reboot after the unlock asks for it again', () => {
  const order = started.flatMap(({ does }) => does);
  expect(order.indexOf('openVolume')).toBeLessThan(order.indexOf('checkVolume'));
  expect(order.indexOf('checkVolume')).toBeLessThan(order.indexOf('startDatabaseOnVolume'));
  expect(order.indexOf('startDatabaseOnVolume')).toBeLessThan(order.indexOf('startApplicationOnVolume'));
  const after = started.slice(started.findIndex(({ id }) => id === 'unlock') + 1);
  for (const { id, step } of after) expect(step?.requires, id).toContain('volume open');
  expect(startup.leaves).toEqual(['volume open', 'application up']);
});

test('a startup undoes nothing, and asks nobody to decide', () => {
  expect(startup.undoesNothing).toBe(true);
  expect(started.flatMap(({ undoes }) => undoes)).toEqual([]);
  expect(started.filter(({ step }) => step === undefined)).toEqual([]);
});

test('a shutdown stops nothing before its gate, and everything that it does can be undone', () => {
  const gate = stopped.findIndex(({ id }) => id === 'shut-down');
  expect(stopped.slice(0, gate).flatMap(({ does }) => does)).toEqual(['readBeforeShutdown']);
  expect(stopped.slice(gate + 1).map(({ does, undoes }) => [...does, ...undoes])).toEqual([
    ['stopApplication', 'startApplicationAgain'],
    ['stopDatabaseCleanly', 'startDatabaseOnVolume'],
    ['lockVolume', 'unlockAgain'],
    ['proveLocked'],
  ]);
});

test('a shutdown that is over says how to start again', () => {
  expect(readsOfSummary(shutdown, () => true)).toEqual([]);
  expect(shutdown.summary({} as never, () => true)).toEqual([['to start again', expect.stringContaining('lockstep start startup') as unknown]]);
  expect(readsOfSummary(startup, () => false)).toEqual([]);
});
