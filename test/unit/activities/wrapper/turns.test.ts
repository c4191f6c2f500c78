import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurns } from '../../../../src/activities/wrapper/turns.js';

const never = new AbortController().signal;
const always = () => Promise.resolve(true);

test('a change between steps waits for the step that is at work, and no other begins before it', async () => {
  const turns = createTurns();
  const events: string[] = [];
  let end = (): void => undefined;
  const first = turns.during('migrate', always, never, () => new Promise<void>((resolve) => (end = resolve)).then(() => void events.push('step ended')));
  await sleep(10);
  const change = turns.between('migrate', never, () => Promise.resolve(void events.push('changed')));
  await sleep(50);
  expect(events).toEqual([]);
  end();
  await Promise.all([first, change]);
  expect(events).toEqual(['step ended', 'changed']);
});

test('the next step of a run does not begin before the change that waited for the end of the last one', async () => {
  const turns = createTurns();
  const events: string[] = [];
  let end = (): void => undefined;
  const first = turns.during('migrate', always, never, () => new Promise<void>((resolve) => (end = resolve)));
  await sleep(10);
  const change = turns.between('migrate', never, () => Promise.resolve(void events.push('changed')));
  await sleep(50);
  end();
  await first;
  // At once, as a workflow does: within the second between two looks.
  const next = turns.during('migrate', always, never, () => Promise.resolve(void events.push('next step')));
  await Promise.all([change, next]);
  expect(events).toEqual(['changed', 'next step']);
});

test('a step goes on where the change that waited for its turn was given up', async () => {
  const turns = createTurns();
  const controller = new AbortController();
  let end = (): void => undefined;
  const first = turns.during('migrate', always, never, () => new Promise<void>((resolve) => (end = resolve)));
  await sleep(10);
  const change = turns.between('migrate', controller.signal, () => Promise.resolve());
  controller.abort();
  await expect(change).rejects.toThrow('aborted');
  end();
  await first;
  expect(await turns.during('migrate', always, never, () => Promise.resolve('acted'))).toBe('acted');
});

test('where no step of the run is at work it changes at once, whatever others do', async () => {
  const turns = createTurns();
  void turns.during('other', always, never, () => new Promise(() => undefined));
  let changed = false;
  await turns.between('migrate', never, () => Promise.resolve(void (changed = true)));
  expect(changed).toBe(true);
});

test('a step that may not act yet waits, and does not count as one at work', async () => {
  const turns = createTurns();
  let may = false;
  const waiting = turns.during('migrate', () => Promise.resolve(may), never, () => Promise.resolve('acted'));
  await turns.between('migrate', never, () => Promise.resolve(void (may = true)));
  expect(await waiting).toBe('acted');
});

test('an abort ends the waiting, and what forbids the step fails it', async () => {
  const turns = createTurns();
  const controller = new AbortController();
  const waiting = turns.during('migrate', () => Promise.resolve(false), controller.signal, () => Promise.resolve('acted'));
  setTimeout(() => controller.abort(), 20);
  await expect(waiting).rejects.toThrow('aborted');
  await expect(turns.during('migrate', () => Promise.reject(new Error('held by another')), never, always)).rejects.toThrow('held by another');
  // A failed look does not keep the next one from its turn.
  expect(await turns.during('migrate', always, never, () => Promise.resolve('acted'))).toBe('acted');
});
