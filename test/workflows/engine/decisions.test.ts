import { afterAll, beforeAll, expect, test } from 'vitest';
import { signalNames } from '../../../src/contract/names.js';
import { createDriver, type Driver } from './driver.js';
import { openedWith } from './fakeHost.js';

let driver: Driver;

beforeAll(async () => {
  driver = await createDriver('real');
});
afterAll(() => driver.stop());

test('a gate shows its evidence and what can be answered', async () => {
  const run = await driver.start('gated', { measure: () => Promise.resolve({ figure: 42 }) });
  await expect(run.asked('ready')).resolves.toMatchObject({
    kind: 'gate',
    node: 'ready',
    title: 'Go on?',
    choices: ['go', 'no-go'],
    reasonFor: ['no-go'],
    evidence: [['figure', '42']],
  });
  await run.decide('ready', 'go', 'ben');
  await run.result();
  expect(await run.node('ready')).toMatchObject({ state: 'done', note: 'go, ben' });
});

test('decisions that are early, late, repeated, unknown, malformed or no choice are recorded and change nothing', async () => {
  let mayMeasure: () => void = () => undefined;
  const measured = new Promise<void>((resolve) => (mayMeasure = resolve));
  const run = await driver.start('gated', { measure: () => measured.then(() => ({ figure: 7 })) });
  await run.began('measure');
  await run.decide('ready', 'go');
  mayMeasure();
  await run.asked('ready');
  // What came early must not open it now.
  expect(await run.outcomes()).toEqual(['not open yet']);

  await run.decide('ready.2', 'go');
  await run.decide('elsewhere', 'go');
  await run.decide('ready', 'perhaps');
  await run.decide('ready', 'no-go');
  await run.decide('ready', 'go', '');
  await run.decide('ready', 'go', 'a\u0000b');
  await run.send('go');
  await run.send(null);
  await run.send(['ready', 'go', 'ann']);
  await run.send({ question: 7, answer: true, by: { name: 'ann' } });
  await run.send({ question: 'ready', answer: 'go', by: 'ann', force: true });
  await run.send({ question: 'x'.repeat(5000), answer: 'go', by: 'ann' });
  await run.handle.signal(signalNames.decide);
  await run.handle.signal(signalNames.rollback, { by: 'ann' });
  await run.handle.signal(signalNames.resumed, 'boot-2');
  await run.asked('ready');
  expect(await run.outcomes()).toEqual([
    'not open yet',
    'unknown question',
    'unknown question',
    'not a choice',
    'reason missing',
    ...Array.from({ length: 10 }, () => 'malformed'),
  ]);
  expect(run.done()).toEqual(['openRun', 'measure', 'prepare']);

  await run.decide('ready', 'go');
  await run.decide('ready', 'no-go', 'ben', 'too late');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  const { decisions } = await run.status();
  expect(decisions.slice(-2)).toEqual([
    expect.objectContaining({ question: 'ready', answer: 'go', by: 'ann', outcome: 'counted' }),
    expect.objectContaining({ question: 'ready', answer: 'no-go', by: 'ben', reason: 'too late', outcome: 'not open any more' }),
  ]);
});

test('of a malformed decision what could be read is kept, cut to what fits', async () => {
  const run = await driver.start('gated');
  await run.asked('ready');
  await run.send({ question: 'ready', answer: ['go'], by: 'x'.repeat(5000), note: 'extra' });
  await run.send('go');
  const { decisions } = await run.status();
  expect(decisions[0]).toMatchObject({ question: 'ready', answer: '["go"]', by: 'x'.repeat(300), outcome: 'malformed' });
  expect(decisions[0]?.reason).toHaveLength(300);
  expect(decisions[1]).toMatchObject({ question: '', answer: '', by: '', reason: 'go' });
  await run.handle.terminate();
});

test('a gate for two people counts different ones, whatever the case of their name, and not the starter', async () => {
  const run = await driver.start('people');
  await run.asked('two');
  await run.decide('two', 'go', 'Starter');
  await run.decide('two', 'go', 'Ann');
  await run.decide('two', 'go', ' ann ');
  expect(await run.asked('two')).toMatchObject({ people: 2, agreed: ['Ann'] });
  expect(await run.outcomes()).toEqual(['starter may not decide', 'counted', 'same person']);
  await run.decide('two', 'go', 'Ben');
  await run.asked('why');
  await run.handle.terminate();
});

test('one person who sees a reason to stop is enough, even one who agreed before', async () => {
  const run = await driver.start('people');
  await run.asked('two');
  await run.decide('two', 'go', 'ann');
  await run.decide('two', 'no-go', 'ann', 'I looked again');
  await expect(run.result()).resolves.toMatchObject({ state: 'rolled back', outcome: expect.stringContaining('by ann: I looked again') as string });
  expect(await run.outcomes()).toEqual(['counted', 'counted']);
});

test('a gate can ask for a reason to go', async () => {
  const run = await driver.start('people');
  await run.asked('two');
  await run.decide('two', 'go', 'ann');
  await run.decide('two', 'go', 'ben');
  await run.asked('why');
  await run.decide('why', 'go', 'ann');
  await run.decide('why', 'go', 'ann', '   ');
  await run.decide('why', 'go', 'ann', 'the figures are right');
  await run.asked('soon');
  expect((await run.outcomes()).slice(2)).toEqual(['reason missing', 'malformed', 'counted']);
  await run.handle.terminate();
});

test('questions of one node are open together, and answered in any order', async () => {
  const run = await driver.start('together');
  await run.asked('announced');
  expect((await run.status()).questions.map(({ id }) => id)).toEqual(['announced', 'reviewed', 'ready']);
  await run.decide('ready', 'go');
  await run.decide('reviewed', 'acknowledged');
  await run.decide('announced', 'go');
  expect((await run.status()).questions.map(({ id }) => id)).toEqual(['announced']);
  expect(run.done()).not.toContain('finish');
  await run.decide('announced', 'acknowledged');
  await expect(run.result()).resolves.toMatchObject({ state: 'succeeded' });
  expect(await run.outcomes()).toEqual(['counted', 'counted', 'not a choice', 'counted']);
});

test('a question among others is left out where its condition does not hold, and what it requires with it', async () => {
  const run = await driver.start('partlyTogether');
  await run.asked('announced');
  expect((await run.status()).questions.map(({ id }) => id)).toEqual(['announced']);
  expect(await run.node('copied')).toMatchObject({ state: 'not needed', note: 'no extra copy is configured' });
  await run.handle.signal(signalNames.resumed, { bootId: 'boot-2' });
  await run.decide('announced', 'acknowledged');
  await run.result();
  expect(run.done()).toEqual(['openRun', 'finish', 'closeRun']);
});

test('a question among others is put where its condition holds', async () => {
  const run = await driver.start('partlyTogether', { openRun: openedWith({ filesystemCopy: true }) });
  await run.asked('copied');
  await run.decide('announced', 'acknowledged');
  await run.decide('copied', 'go');
  await run.result();
  expect(await run.node('copied')).toMatchObject({ state: 'done' });
});

test('a no-go to one of several closes the others, which then take no answer', async () => {
  const run = await driver.start('together', { 'undo prepare': () => new Promise(() => undefined) });
  await run.asked('ready');
  await run.decide('reviewed', 'no-go', 'ann', 'not reviewed');
  await run.began('undo prepare');
  await run.decide('announced', 'acknowledged');
  const { questions, decisions, nodes } = await run.status();
  expect(questions).toEqual([]);
  expect(decisions.at(-1)).toMatchObject({ question: 'announced', outcome: 'not open any more' });
  expect(nodes.filter(({ state }) => state === 'open')).toEqual([]);
  await run.handle.terminate();
});
