import { expect, test } from 'vitest';
import { createSingleFlight } from '../../../../src/activities/wrapper/singleFlight.js';

/** An attempt that ends a while after it was told to. */
const endsSlowly = (name: string, order: string[]) => async (superseded: AbortSignal) => {
  order.push(`${name} begins`);
  await new Promise<void>((resolve) => superseded.addEventListener('abort', () => setTimeout(resolve, 20)));
  order.push(`${name} ends`);
  superseded.throwIfAborted();
};

const quick = (name: string, order: string[]) => () => {
  order.push(`${name} begins`);
  return Promise.resolve(name);
};

const begun = (order: readonly string[]) => expect.poll(() => order, { interval: 1 }).toEqual(['one begins']);

test('a later attempt aborts the earlier one and waits for its end', async () => {
  const flights = createSingleFlight();
  const order: string[] = [];
  const first = flights.run('copy', endsSlowly('one', order)).catch((error: unknown) => error);
  await begun(order);
  const second = flights.run('copy', quick('two', order));
  await expect(second).resolves.toBe('two');
  expect(await first).toMatchObject({ message: 'a later attempt has begun' });
  expect(order).toEqual(['one begins', 'one ends', 'two begins']);
});

test('of three, the second never begins when the third is there first', async () => {
  const flights = createSingleFlight();
  const order: string[] = [];
  const first = flights.run('copy', endsSlowly('one', order)).catch(() => 'ended');
  await begun(order);
  const second = flights.run('copy', quick('two', order)).catch(() => 'never began');
  const third = flights.run('copy', quick('three', order));
  expect(await Promise.all([first, second, third])).toEqual(['ended', 'never began', 'three']);
  expect(order).toEqual(['one begins', 'one ends', 'three begins']);
});

test('attempts of different keys run side by side', async () => {
  const flights = createSingleFlight();
  const order: string[] = [];
  const first = flights.run('copy', endsSlowly('one', order)).catch(() => 'ended');
  await expect(flights.run('watch', quick('two', order))).resolves.toBe('two');
  expect(order).toEqual(['one begins', 'two begins']);
  await flights.run('copy', quick('three', order));
  await first;
});

test('a failed attempt stands in nobody’s way', async () => {
  const flights = createSingleFlight();
  await expect(flights.run('copy', () => Promise.reject(new Error('full')))).rejects.toThrow('full');
  await expect(flights.run('copy', () => Promise.resolve(2))).resolves.toBe(2);
});
