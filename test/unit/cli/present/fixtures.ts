import type { OpenQuestion } from '../../../../src/contract/questions.js';
import type { NodeStatus, RunStatus } from '../../../../src/contract/status.js';

export const startedAt = '2030-05-04T02:00:00.000Z';

/** @param seconds - After the start of the run. */
export function at(seconds: number): string {
  return new Date(Date.parse(startedAt) + seconds * 1000).toISOString();
}

const base = { kind: 'step', plan: '4', usersOffline: false, state: 'pending' } as const;

export const nodes: readonly NodeStatus[] = [
  {
    ...base,
    id: 'measure',
    section: 'Pre-migration checklist',
    title: 'Database size, and how long it will take',
    state: 'done',
    startedAt: at(1),
    endedAt: at(1.4),
    facts: [
      ['size', '1.63 GiB in 5,012 files'],
      ['copy rate here', '94.0 MiB/s'],
      ['users offline, estimated', '37 s'],
    ],
  },
  {
    ...base,
    id: 'filesystem-backup',
    section: 'Pre-migration checklist',
    title: 'Filesystem-level backup, encrypted',
    state: 'not needed',
    startedAt: at(2),
    endedAt: at(2),
    note: 'backup.filesystemCopy is none',
  },
  {
    ...base,
    id: 'preflight',
    kind: 'question',
    section: 'Pre-migration checklist',
    title: 'Preflight: take the backup and prepare the volume?',
    state: 'done',
    startedAt: at(3),
    endedAt: at(60),
    note: 'go, ann',
  },
  {
    ...base,
    id: 'stop-application',
    section: 'Stop PostgreSQL cleanly',
    title: 'Stop the application, then the database',
    usersOffline: true,
    state: 'done',
    startedAt: at(61),
    endedAt: at(64),
  },
  {
    ...base,
    id: 'copy',
    section: 'Copy and verify',
    title: 'The rest of the data, copied with the database stopped and synced to the device',
    usersOffline: true,
    state: 'running',
    startedAt: at(64),
  },
  { ...base, id: 'verify', section: 'Copy and verify', title: 'Every file compared by digest', usersOffline: true },
  { ...base, id: 'resume', section: 'Resume operations', title: 'End maintenance' },
];

export const gate: OpenQuestion = {
  id: 'final-backup',
  node: 'final-backup',
  kind: 'gate',
  title: 'The final backup is verified: stop PostgreSQL?',
  choices: ['go', 'no-go'],
  reasonFor: ['no-go'],
  evidence: [
    ['database', '1.63 GiB'],
    ['users offline, estimated', '37 s'],
    ['backup', '/var/backups/supersync/supersync-2030-05-04T01-59-20Z-final.dump.zst.gpg'],
  ],
  openedAt: at(60),
};

export const status: RunStatus = {
  runbook: 'migrate',
  host: 'db.example',
  runId: 'run-1',
  state: 'running',
  startedAt,
  startedBy: 'ann',
  nodes,
  questions: [],
  decisions: [],
};
