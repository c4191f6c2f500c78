import { expect, test } from 'vitest';
import { renderPlan } from '../../../src/cli/present/planLines.js';
import { plainTheme } from '../../../src/cli/present/theme.js';
import { stepActivities } from '../../../src/activities/activities.js';
import { describeRunbook } from '../../../src/workflows/describe.js';
import { partsOf, type View } from '../../../src/workflows/engine/nodes.js';
import { respondToCompromise } from '../../../src/workflows/respondToCompromise.js';
import { examineRunbook } from './examine.js';

const examined = await examineRunbook(respondToCompromise);
const at = (id: string) => examined.findIndex((node) => node.id === id);
const parts = respondToCompromise.sections.flatMap(({ nodes }) => nodes).flatMap((node) => partsOf(node));

test('every result is read after what finds it, and every activity exists', () => {
  for (const { id, reads } of examined) for (const read of reads) expect(at(read), `${id} reads ${read}`).toBeLessThan(at(id));
  expect(examined.flatMap(({ does }) => does).filter((name) => !Object.hasOwn(stepActivities, name))).toEqual([]);
});

test('what begins after another stands after it', () => {
  for (const part of parts) for (const { id } of 'after' in part ? (part.after ?? []) : []) expect(at(id), `${part.id} comes after ${id}`).toBeLessThan(at(part.id));
});

test('nobody can refuse an item, each needs words, and each has a deadline', () => {
  const questions = parts.filter((part) => part.kind === 'question');
  expect(questions).toHaveLength(16);
  for (const { id, choices, reasonForGo, due } of questions) {
    expect(choices, id).not.toContain('no-go');
    expect([reasonForGo, due !== undefined], id).toEqual([true, true]);
  }
});

test('the plan tells the deadlines, the run of its own, and that there is nothing to go back from', () => {
  const lines = renderPlan(describeRunbook(respondToCompromise), { width: 110, theme: plainTheme }).join('\n');
  expect(lines).toContain('▷ Emergency key rotation: operational and recovery key (a run of its own)');
  expect(lines).toContain('begins a run of rotateKey, which goes on whatever becomes of this one');
  expect(lines).toContain('due within 1 h 00 min of the start');
  expect(lines).toContain('due within 72 h 00 min of the start');
  expect(lines).toContain('Was no data accessed? (yes or no)');
  expect(lines).toContain('left out where not notifiable');
  expect(lines).toContain('It changes nothing of the service');
  expect(lines).not.toContain('Rollback');
});

test('the rotation that it begins counts from the same time', () => {
  const rotation = parts.find(({ id }) => id === 'rotate-keys');
  const begunWith = (more: object) => (rotation?.kind === 'child' ? rotation.input({ input: { host: 'h1', ...more } } as View) : undefined);
  expect(begunWith({ awareSince: '2026-03-01T02:15:00.000Z' })).toEqual({ emergency: true, reason: 'incident', keys: 'both', awareSince: '2026-03-01T02:15:00.000Z' });
  expect(begunWith({})).toEqual({ emergency: true, reason: 'incident', keys: 'both' });
});
