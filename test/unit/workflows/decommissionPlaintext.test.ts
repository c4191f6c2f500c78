import { expect, test } from 'vitest';
import { stepActivities } from '../../../src/activities/activities.js';
import { decommissionPlaintext } from '../../../src/workflows/decommissionPlaintext.js';
import { examineRunbook, readsOfSummary } from './examine.js';

const examined = await examineRunbook(decommissionPlaintext);
const at = (id: string) => examined.findIndex((node) => node.id === id);

test('every result is read after the step that finds it, and every activity exists', () => {
  for (const { id, reads } of examined) for (const read of reads) expect(at(read), `${id} reads ${read}`).toBeLessThan(at(id));
  expect(examined.flatMap(({ does }) => does).filter((name) => !Object.hasOwn(stepActivities, name))).toEqual([]);
  expect(readsOfSummary(decommissionPlaintext, (id) => id === 'list-plaintext')).toEqual(['list-plaintext']);
});

test('nothing is removed before the gate and the look right before the removal', () => {
  const removing = examined.findIndex(({ does }) => does.includes('removePlaintextCopies'));
  expect(removing).toBe(at('remove-plaintext'));
  expect(at('remove-plaintext-gate')).toBeLessThan(at('confirm-plaintext'));
  expect(at('confirm-plaintext')).toBe(removing - 1);
  expect(decommissionPlaintext.noWayBackFrom?.id).toBe('remove-plaintext');
});

test('nothing before the removal has anything to undo, and nothing after it holds the run for ever', () => {
  expect(examined.filter(({ undoes }) => undoes.length > 0)).toEqual([]);
  expect(examined.slice(at('remove-plaintext')).filter(({ step }) => step?.skippable !== true)).toEqual([]);
});

test('the gate needs a reason, and as many people as are configured', () => {
  const gate = decommissionPlaintext.sections.flatMap(({ nodes }) => nodes).find(({ id }) => id === 'remove-plaintext-gate');
  if (gate?.kind !== 'question' || typeof gate.people !== 'function') throw new Error('there is no such gate');
  const settings = { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 };
  expect(gate.reasonForGo).toBe(true);
  expect([gate.people(settings), gate.people({ ...settings, decommissionPeople: 1 }), gate.people({ ...settings, decommissionPeople: 2 })]).toEqual([undefined, undefined, 2]);
});

test('the gate shows what the backup holds, and says nothing of it where an earlier version recorded none', () => {
  const gate = decommissionPlaintext.sections.flatMap(({ nodes }) => nodes).find(({ id }) => id === 'remove-plaintext-gate');
  if (gate?.kind !== 'question') throw new Error('there is no such gate');
  const found = { copies: [], kept: [], sizeBytes: 0, files: 0, inUseDays: 31, inUseSince: '', openFiles: 1, file: 'cluster.gpg', ageDays: 0.5, processes: 1 };
  const evidenceOf = (result: object) => gate.evidence?.({ from: () => result as never, input: { host: 'h1', startedBy: 'ann', takeOver: false, resume: false }, settings: { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 } });
  const counted = { databases: ['supersync', 'postgres'], tables: 1203, roles: 2 };
  expect(evidenceOf({ ...found, counted })).toContainEqual(['it holds', 'the whole cluster: every database, and the roles; counted in its restore: 2 roles, 1,203 tables in supersync, postgres']);
  expect(evidenceOf(found)?.map(([label]) => label)).not.toContain('it holds');
});
