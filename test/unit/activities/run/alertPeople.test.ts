import { expect, test } from 'vitest';
import { createActivities, createSecretVault } from '../../../../src/activities/index.js';
import { createAlertPeople } from '../../../../src/activities/run/alertPeople.js';
import type { Alert } from '../../../../src/contract/alerts.js';
import { withDirectory } from '../../needsRoot.js';
import { callWith, changing, createWrapperHarness } from '../wrapper/harness.js';

const words = { severity: 'critical', subject: 'copy-data is parked', text: 'type "lockstep retry copy-data.failed.1"' } as const;

test('the engine tells people with the name of its run, once for each key of an opening', async () => {
  const raised: Alert[] = [];
  const alertPeople = createAlertPeople({ host: 'h1', now: () => new Date('2026-11-01T20:00:00Z'), raiseAlert: (alert) => Promise.resolve(void raised.push(alert)) });
  await alertPeople(callWith(), { ...words, key: 'parked' });
  await alertPeople(callWith({ opening: 2 }), { ...words, key: 'parked' });
  expect(raised[0]).toEqual({
    id: 'run-1/copy-data/do/1/ALERT/parked',
    at: '2026-11-01T20:00:00.000Z',
    ...words,
    host: 'h1',
    run: { workflowId: 'h1/migrate', runId: 'run-1', node: 'copy-data' },
  });
  expect(raised[1]?.id).toBe('run-1/copy-data/do/2/ALERT/parked');
});

test('a step tells people with the name of its run; every attempt raises the same alert', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const telling = changing(async (attempt) => {
      await attempt.alert(words, 'slow');
      await attempt.alert(words);
    });
    await harness.run(telling);
    await harness.run(telling, { attempt: 2 });
    const first = ['run-1/copy-data/do/1/ALERT/slow', 'run-1/copy-data/do/1/ALERT/copy-data is parked'];
    expect(harness.raised.map(({ id }) => id)).toEqual([...first, ...first]);
    expect(harness.raised[0]).toMatchObject({ ...words, host: 'h1', run: { workflowId: 'h1/migrate', runId: 'run-1', node: 'copy-data' } });
  }));

test('a worker registers it so that it serves with neither a claim nor a lockstep.yaml', () =>
  withDirectory(async (directory) => {
    const raised: Alert[] = [];
    const { alertPeople } = await createActivities({
      configPath: `${directory}/none.yaml`,
      lockstepVersion: '0.0.0',
      vault: createSecretVault(60_000),
      isRunning: () => Promise.resolve('unknown'),
      host: 'h1',
      raiseAlert: (alert) => Promise.resolve(void raised.push(alert)),
    });
    await alertPeople?.(callWith(), { ...words, key: 'parked' } as never);
    expect(raised).toMatchObject([{ id: 'run-1/copy-data/do/1/ALERT/parked', host: 'h1' }]);
  }));
