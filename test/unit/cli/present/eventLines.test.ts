import { expect, test } from 'vitest';
import { describeChanges, describeRetry, describeTurn } from '../../../../src/cli/present/eventLines.js';
import { turnPhases } from '../../../../src/contract/names.js';
import { at, gate, nodes, status } from './fixtures.js';

test('the first look tells all that has happened, in the order in which it did', () => {
  expect(describeChanges(undefined, status)).toEqual([
    '02:00:01 done        Database size, and how long it will take in 0.4 s: size 1.63 GiB in 5,012 files · copy rate here 94.0 MiB/s · users offline, estimated 37 s',
    '02:00:02 not needed  Filesystem-level backup, encrypted: backup.filesystemCopy is none',
    '02:01:00 done        Preflight: take the backup and prepare the volume?: go, ann',
    '02:01:04 done        Stop the application, then the database in 3.0 s',
    '02:01:04 running     The rest of the data, copied with the database stopped and synced to the device',
    '02:01:04 run         running',
  ]);
});

test('a later look tells what is new, and nothing twice', () => {
  const copied = nodes.map((node) => (node.id === 'copy' ? { ...node, state: 'done' as const, endedAt: at(90) } : node));
  const decision = { at: at(60), question: 'preflight', answer: 'go', by: 'ann', outcome: 'counted' } as const;
  const later = { ...status, state: 'waiting' as const, nodes: copied, questions: [gate], decisions: [decision] };
  expect(describeChanges(status, later)).toEqual([
    '02:01:00 decision    preflight: go by ann: counted',
    '02:01:00 question    The final backup is verified: stop PostgreSQL? [database 1.63 GiB · users offline, estimated 37 s · backup /var/backups/supersync/supersync-2030-05-04T01-59-20Z-final.dump.zst.gpg]',
    '                     lockstep go final-backup',
    '                     lockstep no-go final-backup --reason "…"',
    '02:01:30 done        The rest of the data, copied with the database stopped and synced to the device in 26 s',
    '02:01:30 run         waiting',
  ]);
  expect(describeChanges(later, later)).toEqual([]);
});

test('an attempt that follows a failed one is told once, with why the one before failed', () => {
  const second = { attempt: 2, started: false, lastFailure: 'Docker does not answer' };
  const now = new Date('2030-05-04T02:01:10Z');
  expect(describeRetry(undefined, { attempt: 1, started: true }, now)).toEqual([]);
  expect(describeRetry({ attempt: 1, started: true }, second, now)).toEqual(['02:01:10 again       attempt 2; the one before: Docker does not answer']);
  expect(describeRetry(second, { ...second, started: true }, now)).toEqual([]);
  expect(describeRetry(second, { ...second, attempt: 3 }, now)).toHaveLength(1);
});

test('that another run has its turn is told once, and what a step does is not', () => {
  const running = { attempt: 1, started: true, progress: { phase: turnPhases.hasHostFirst('db/rotateKey-emergency') } };
  const now = new Date(at(60));
  expect(describeTurn(undefined, running, now)).toEqual(['02:01:00 turn        waits: db/rotateKey-emergency has the host first; this run goes on by itself afterwards']);
  expect(describeTurn(running, running, now)).toEqual([]);
  expect(describeTurn(undefined, { ...running, progress: { phase: 'copying' } }, now)).toEqual([]);
  expect(describeTurn(undefined, { attempt: 1, started: true }, now)).toEqual([]);
});
