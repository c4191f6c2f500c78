import { expect, test } from 'vitest';
import { judgeEnd, type EndFacts } from '../../../../src/activities/startup/containerEnd.js';

const daemonStartedAt = new Date('2026-11-01T10:00:00Z');
const container = { id: 'c1', exitCode: 0, wasKilledForMemory: false, startedAt: '2026-11-01T09:00:00Z', finishedAt: '2026-11-01T12:00:00.5Z' };
const facts: EndFacts = { container, events: { isRemembered: true, wasStopped: false }, daemonStartedAt, wasLeftAlone: false };
const judge = ({ container: changed, ...others }: Partial<Omit<EndFacts, 'container'>> & { readonly container?: Partial<EndFacts['container']> }) => judgeEnd({ ...facts, ...others, container: { ...container, ...changed } });

const stopped = { isRemembered: true, wasStopped: true };
const forgotten = { isRemembered: false, wasStopped: false };
const beforeDaemon = '2026-11-01T09:59:50Z';

test.each([
  ['want of memory', { container: { exitCode: 137, wasKilledForMemory: true }, events: stopped }, 'want of memory (status 137)'],
  ['a kill', { container: { exitCode: 137 } }, 'it was killed (status 137)'],
  ['a kill soon after Docker was started', { container: { exitCode: 137, startedAt: '2026-11-01T10:00:05Z', finishedAt: '2026-11-01T10:00:20Z' } }, 'it was killed (status 137)'],
  ['a crash', { container: { exitCode: 1 } }, 'it failed (status 1)'],
  ['a crash that Docker does not remember', { container: { exitCode: 134 }, events: forgotten }, 'it failed (status 134)'],
  ['a restart of Docker', { container: { finishedAt: beforeDaemon }, events: forgotten }, 'Docker was restarted at 2026-11-01T10:00:00.000Z'],
  ['a crash of Docker, which dates the end when it is up again', { container: { exitCode: 137, finishedAt: '2026-11-01T10:00:20Z' }, events: forgotten }, 'Docker was restarted'],
] as const)('%s is nobody\'s wish', (_, changes, cause) => {
  const end = judge(changes);
  expect(end.isLeftAlone).toBe(false);
  expect(end.cause).toContain(cause);
});

test.each([
  ['docker stop', { events: stopped }],
  ['docker stop of one that does not end in time', { container: { exitCode: 137 }, events: stopped }],
  ['docker stop of one that ends with a status of its own', { container: { exitCode: 2 }, events: stopped }],
  ['docker stop soon after Docker was started', { container: { exitCode: 143, finishedAt: '2026-11-01T10:00:20Z' }, events: stopped }],
  ['docker stop, with a restart of Docker after it', { container: { finishedAt: beforeDaemon }, events: forgotten, wasLeftAlone: true }],
  ['an orderly end', { container: { exitCode: 0 } }],
  ['SIGTERM', { container: { exitCode: 143 } }],
  ['a kill that may have been the end of docker stop', { container: { exitCode: 137 }, events: forgotten }],
  ['none: it was never started', { container: { finishedAt: undefined } }],
] as const)('%s is left alone', (_, changes) => {
  expect(judge(changes).isLeftAlone).toBe(true);
});
