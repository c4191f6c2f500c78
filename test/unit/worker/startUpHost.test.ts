import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Claim, ServiceStanding, Standing } from '../../../src/activities/index.js';
import { startUpHost } from '../../../src/worker/startUpHost.js';

const up: Standing = { bootId: 'b1', isSelected: true, volume: 'open', services: [{ container: 'database' }] };
const closed: Standing = { ...up, volume: 'closed', services: [] };
const ended = (isLeftAlone: boolean, at = '2026-11-01T11:00:00Z'): Standing => ({ ...up, services: [{ container: 'database', end: { id: 'c1', at, isLeftAlone, cause: 'so' } }] });
const claim = { workflowId: 'h1/migrate', runId: 'run-1' } as Claim;

/** What is seen look by look; `held`: a run holds the host; an error: it cannot be looked at. */
type Seen = Standing | 'held' | Claim | Error;

/** Lets a worker look as often as it sees something, and tells what it began and logged. */
async function watch(looks: readonly Seen[], onStart: () => Promise<unknown> = () => Promise.resolve({}), time = '2026-11-01T12:00:00Z') {
  const started: unknown[] = [];
  const logged: string[] = [];
  const told: unknown[] = [];
  const alerts: string[] = [];
  const known = new Set<string>();
  const ending = new AbortController();
  let at = 0;
  const next = (): void => {
    at += 1;
    if (at === looks.length) ending.abort();
  };
  const client = {
    workflow: {
      start: (name: string, { workflowId, args }: { workflowId: string; args: readonly [{ startedBy: string }] }) => {
        started.push([name, workflowId, args[0].startedBy]);
        return onStart();
      },
      getHandle: (workflowId: string, runId: string) => ({ signal: (name: string, given: unknown) => Promise.resolve(void told.push([workflowId, runId, name, given])) }),
    },
  } as unknown as Client;
  await startUpHost(
    client,
    {
      host: 'h1',
      readClaim() {
        const seen = looks[at];
        const held = seen === 'held' ? claim : seen !== undefined && 'workflowId' in seen ? seen : undefined;
        if (held !== undefined) next();
        return Promise.resolve(held);
      },
      isRunning: ({ runId }) => Promise.resolve(runId !== 'lost'),
      readStanding() {
        const held = looks[at - 1];
        if (held !== undefined && held !== 'held' && 'workflowId' in held && held.runId === 'lost') return Promise.resolve(closed);
        const seen = looks[at];
        if (seen === undefined || seen === 'held' || 'workflowId' in seen) throw new Error('a host that a run holds is not looked at');
        next();
        return seen instanceof Error ? Promise.reject(seen) : Promise.resolve(seen);
      },
      keepLeftAlone(services: readonly ServiceStanding[]) {
        const fresh = services.filter(({ container }) => !known.has(container));
        for (const { container } of fresh) known.add(container);
        return Promise.resolve(fresh);
      },
      now: () => new Date(time),
      bootId: 'b1',
      raiseAlert: ({ text }) => Promise.resolve(void alerts.push(text)),
      log: pino({ level: 'info' }, { write: (line: string) => void logged.push((JSON.parse(line) as { msg: string }).msg) }),
      lookEverySeconds: 0,
    },
    ending.signal,
  );
  return { started, logged, told, alerts };
}

const byBoot = ['startup', 'h1/startup', 'boot'];

test('a volume that a boot has locked is asked for, once', async () => {
  expect((await watch([closed, closed, closed, closed])).started).toEqual([byBoot]);
});

test('a run of it that is open already is as good', async () => {
  const isOpen = () => Promise.reject(new WorkflowExecutionAlreadyStartedError('open', 'h1/startup', 'startup'));
  expect((await watch([closed, closed], isOpen)).started).toEqual([byBoot]);
});

test('where it cannot be looked at, or the server is away, it is tried again', async () => {
  let tries = 0;
  const { started, logged } = await watch([new Error('Docker is not up yet'), closed, closed], () => Promise.resolve((tries += 1)).then((each) => (each === 1 ? Promise.reject(new Error('away')) : {})));
  expect(started).toEqual([byBoot, byBoot]);
  expect(logged.filter((line) => line.includes('it is tried again'))).toHaveLength(2);
});

test('nothing is begun beside a run that holds the host, and what it leaves locked by an earlier boot is asked for after it', async () => {
  expect((await watch(['held', 'held'])).started).toEqual([]);
  expect((await watch(['held', closed, closed])).started).toEqual([byBoot]);
  // It took the host while that was looked at.
  expect((await watch([closed, 'held'])).started).toEqual([]);
});

test('what was seen open and is closed since, an administrator has closed', async () => {
  expect((await watch([up, closed, closed])).started).toEqual([]);
});

test('a database that nobody stopped is started, once for each of its ends', async () => {
  const byWatch = ['startup', 'h1/startup', 'watch'];
  expect((await watch([up, ended(false), ended(false)])).started).toEqual([byWatch]);
  expect((await watch([ended(false), up, ended(false, '2026-11-01T11:30:00Z')])).started).toEqual([byWatch, byWatch]);
});

test('a database that ends again and again is started five times within an hour, and then left down with an alert', async () => {
  const ends = Array.from({ length: 8 }, (_, index) => ended(false, `2026-11-01T11:${50 + index}:00Z`));
  const { started, alerts } = await watch(ends.flatMap((each) => [each, each]));
  expect(started).toHaveLength(5);
  expect(alerts).toHaveLength(3);
  expect(alerts[0]).toMatch(/started 5 times within an hour.*lockstep start startup/);
});

test('what a start-up has left down is not begun anew, and people are told', async () => {
  const startup: Claim = { ...claim, workflowId: 'h1/startup', runbook: 'startup' };
  const down = ended(false, '2026-11-01T11:59:00Z');
  const left = await watch([startup, down, down]);
  expect(left.started).toEqual([]);
  expect(left.alerts).toEqual([expect.stringContaining('a start-up was ended with the service down')]);
  // It ended after that.
  expect((await watch([startup, ended(false, '2026-11-01T12:00:30Z')], undefined, '2026-11-01T12:00:00Z')).started).toHaveLength(1);
  expect((await watch(['held', down])).started).toHaveLength(1);
});

test('a run that has the host again from one that came first is told so, once', async () => {
  const startup: Claim = { ...claim, workflowId: 'h1/startup', runId: 'run-2', runbook: 'startup' };
  const access: Claim = { ...claim, runId: 'run-3', lentBy: [startup] };
  expect((await watch([startup, access, startup, startup])).told).toEqual([['h1/startup', 'run-2', 'resumed', { bootId: 'b1', hasHostAgain: true }]]);
});

test('people are told, once, where a lost run holds a host whose service is down', async () => {
  const lost: Claim = { ...claim, workflowId: 'h1/rotateKey', runId: 'lost', runbook: 'rotateKey' };
  const { started, alerts } = await watch([lost, lost, lost]);
  expect(started).toEqual([]);
  expect(alerts).toEqual([expect.stringContaining('h1/rotateKey (run lost) holds h1')]);
});

test('one that somebody stopped is left alone, and told once', async () => {
  const { started, logged } = await watch([up, ended(true), ended(true), ended(true)]);
  expect(started).toEqual([]);
  expect(logged).toEqual([expect.stringContaining('database is down and left alone: so')]);
});
