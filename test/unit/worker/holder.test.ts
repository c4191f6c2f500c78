import type { Client } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
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

describe('a secret', () => {
  const lent = { ...claim, workflowId: 'db-1/rotateKey-emergency', lentBy: [claim] } as Claim;

  function holderOf(held: Claim | undefined, execution = 'RUNNING') {
    const told: string[] = [];
    const client = {
      workflow: {
        getHandle: (workflowId: string) => ({
          describe: () => Promise.resolve({ status: { name: execution } }),
          signal: (_: string, { question }: { question: string }) => Promise.resolve(void told.push(`${workflowId}: ${question}`)),
        }),
      },
    };
    return { told, ...createHolder(client as unknown as Client, () => Promise.resolve(held), () => Promise.resolve(7)) };
  }

  test.each([['named', lent.workflowId], ['not named', undefined]])('is told to the run that has the host first, %s', async (_, workflowId) => {
    const holder = holderOf(lent);
    await holder.assertMayTakeSecret(workflowId);
    await holder.tellSecretGiven('add.secret.1', 'ann', workflowId);
    expect(holder.told).toEqual(['db-1/rotateKey-emergency: add.secret.1']);
  });

  test('is not taken for a run that waits until another one has ended, nor for one that waits for nothing', async () => {
    const holder = holderOf(lent);
    await expect(holder.assertMayTakeSecret('db-1/migrate')).rejects.toThrow('db-1/rotateKey-emergency has the host first, and db-1/migrate waits for it: type this again when that has ended');
    await expect(holder.assertMayTakeSecret('db-1/startup')).rejects.toThrow('db-1/startup does not hold this host, db-1/rotateKey-emergency does');
    await expect(holderOf(undefined).assertMayTakeSecret('db-1/migrate')).rejects.toThrow('no run holds this host');
  });

  test('is told to the run that waited for one that is lost', async () => {
    const holder = holderOf(lent, 'TERMINATED');
    await holder.assertMayTakeSecret('db-1/migrate');
    await holder.tellSecretGiven('open.secret.1', 'ann', 'db-1/migrate');
    expect(holder.told).toEqual(['db-1/migrate: open.secret.1']);
  });
});
