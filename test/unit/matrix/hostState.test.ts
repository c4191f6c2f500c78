import { expect, test } from 'vitest';
import { readRepeatedEvents } from '../../matrix/hostState.js';

/** What is told twice in a log with events of these ids. */
function repeated(...ids: readonly string[]): Promise<readonly string[]> {
  const log = ids.map((id) => `[2026-11-01T20:00:00Z] EVENT by ann id=${id}\n`).join('');
  return readRepeatedEvents({ guest: { expect: () => Promise.resolve(log) } } as unknown as Parameters<typeof readRepeatedEvents>[0]);
}

test('an event of one id is there once, whichever run it is of', async () => {
  expect(await repeated('run-1/copy-data/do/1/COPIED', 'run-2/copy-data/do/1/COPIED')).toEqual([]);
  expect(await repeated('run-1/copy-data/do/1/COPIED', 'run-1/copy-data/do/1/COPIED')).toEqual(['copy-data/do/1/COPIED is there 2 times']);
});

test('two people who decide in the same moment are two events', async () => {
  const said = (by: string) => `run-1/witnesses/decision/2026-11-27T19:20:31.102Z/DECISION/go/${by}/counted`;
  expect(await repeated(said('ann'), said('ben'))).toEqual([]);
  expect(await repeated(said('ann'), said('ann'))).toEqual([`${said('ann').slice('run-1/'.length)} is there 2 times`]);
});
