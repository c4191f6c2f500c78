import { expect, test } from 'vitest';
import { createRateMeter } from '../../../../src/activities/copy/rateMeter.js';

function createMeter() {
  let time = 0;
  const meter = createRateMeter(() => time);
  return (afterMilliseconds: number, done: number) => {
    time += afterMilliseconds;
    return meter(done);
  };
}

test('the first count tells no rate', () => {
  expect(createMeter()(0, 100)).toBe(0);
});

test('the rate is in units a second', () => {
  const after = createMeter();
  after(0, 0);
  expect(after(500, 50)).toBe(100);
  expect(after(500, 150)).toBe(150);
});

test('what is older than five seconds does not count, so that a stall shows', () => {
  const after = createMeter();
  after(0, 0);
  for (let second = 1; second <= 10; second += 1) expect(after(1000, second * 100)).toBe(100);
  for (let second = 1; second <= 5; second += 1) after(1000, 1000);
  expect(after(1000, 1000)).toBe(0);
});

test('counts that come seldom still tell a rate', () => {
  const after = createMeter();
  after(0, 0);
  after(20_000, 2000);
  expect(after(20_000, 4000)).toBe(100);
});
