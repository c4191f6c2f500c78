import { expect, test } from 'vitest';
import { createPostgres } from '../../../../src/host/postgres/postgres.js';
import { parseControlData } from '../../../../src/host/postgres/postgresControlData.js';
import { createFakeRun } from '../../fakeRun.js';

/** As PostgreSQL 15 prints it, shortened. */
const output = `pg_control version number:            1300
Catalog version number:               202209061
Database system identifier:           7412345678901234567
Database cluster state:               shut down
pg_control last modified:             Mon Feb  3 04:05:06 2031
Latest checkpoint location:           0/15B4D38
Latest checkpoint's REDO location:    0/15B4D38
Latest checkpoint's TimeLineID:       1
Time of latest checkpoint:            Mon Feb  3 04:05:06 2031
Data page checksum version:           0
`;

test('reads what tells one stop of a cluster from another', () => {
  expect(parseControlData({ stdout: output, stderr: '' }, '/data')).toEqual({
    systemIdentifier: '7412345678901234567',
    state: 'shut down',
    checkpointLocation: '0/15B4D38',
    redoLocation: '0/15B4D38',
    timeline: 1,
    checkpointTime: 'Mon Feb  3 04:05:06 2031',
    hasChecksums: false,
  });
});

test('does not trust a damaged file, or another program', () => {
  const warning = 'WARNING: Calculated CRC checksum does not match value stored in file.\n';
  expect(() => parseControlData({ stdout: warning + output, stderr: '' }, '/data')).toThrow('the control file of /data is damaged');
  expect(() => parseControlData({ stdout: output, stderr: `pg_controldata: ${warning}` }, '/data')).toThrow('the control file of /data is damaged');
  expect(() => parseControlData({ stdout: output.replace('Database cluster state', 'Datenbank-Cluster-Status'), stderr: '' }, '/data')).toThrow('says no "Database cluster state"');
});

test("a stopped cluster is read by its own image's program, which can write nothing", async () => {
  const image = { Id: 'sha256:1', RepoTags: ['postgres:15'], Config: { Env: [], Volumes: { '/var/lib/postgresql/data': {} } } };
  const run = createFakeRun([
    { file: 'docker', args: ['image', 'inspect', 'postgres:15'], answer: JSON.stringify([image]) },
    { file: 'docker', args: (args) => args[0] === 'run', answer: output },
  ]);
  const control = await createPostgres({ run }).readStoppedControlData({ image: 'postgres:15', directory: '/srv/data', user: '70:70', label: 'host/migrate/1' });
  expect(control.state).toBe('shut down');
  const args = run.calls[1]?.args.join(' ') ?? '';
  expect(args).toContain('--rm --read-only --network none');
  expect(args).toContain('--mount type=bind,target=/var/lib/postgresql/data,source=/srv/data,readonly --user 70:70');
  expect(args).toContain('--label lockstep.run=host/migrate/1');
  expect(args).toMatch(/--entrypoint pg_controldata postgres:15 --pgdata \/var\/lib\/postgresql\/data$/);
});
