import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { Claim } from '../../../src/activities/index.js';
import { createHolder } from '../../../src/worker/holder.js';

const claim = { workflowId: 'db-1/migrate', runId: 'run-1' } as Claim;

/** A server that keeps what it is told. */
function serverThat({ forgets, hears }: { readonly forgets: () => Promise<unknown>; readonly hears: () => Promise<void> }) {
  const signals: unknown[] = [];
  const client = {
    options: { namespace: 'default' },
    workflowService: { resetStickyTaskQueue: forgets },
    workflow: {
      getHandle: () => ({
        signal: async (name: string, argument: unknown) => {
          await hears();
          signals.push([name, argument]);
        },
      }),
    },
  };
  return { client: client as unknown as Client, signals };
}

const well = () => Promise.resolve();
const ill = () => Promise.reject(new Error('no answer'));

test('a run is told of a new worker, with how far its journal is', async () => {
  const { client, signals } = serverThat({ forgets: well, hears: well });
  await createHolder(client, () => Promise.resolve(claim), () => Promise.resolve(7)).tellResumed('boot-2');
  expect(signals).toEqual([['resumed', { bootId: 'boot-2', calls: 7 }]]);
});

test('a run hears of the boot also where the server does not forget the old worker, or the journal is damaged', async () => {
  const { client, signals } = serverThat({ forgets: ill, hears: well });
  await createHolder(client, () => Promise.resolve(claim), ill).tellResumed('boot-2');
  expect(signals).toEqual([['resumed', { bootId: 'boot-2' }]]);
});

test('whoever tells a run learns that it was not heard', async () => {
  const { client, signals } = serverThat({ forgets: well, hears: ill });
  const holder = createHolder(client, () => Promise.resolve(claim), () => Promise.resolve(7));
  await expect(holder.tellResumed('boot-2')).rejects.toThrow('no answer');
  expect(signals).toEqual([]);
});

test('where no run holds the host nobody is told', async () => {
  const { client, signals } = serverThat({ forgets: ill, hears: ill });
  await createHolder(client, () => Promise.resolve(undefined), ill).tellResumed('boot-2');
  expect(signals).toEqual([]);
});
