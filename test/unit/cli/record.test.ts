import { mkdir, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { recordLines } from '../../../src/cli/present/summaryLines.js';
import { findRecord } from '../../../src/cli/record.js';
import { assertRoot, withDirectory } from '../needsRoot.js';
import { fakeSession } from './fakeSession.js';

const run = { workflowId: 'db1/migrate', runId: 'run-1', runbook: 'migrate', host: 'db1' };

beforeAll(() => assertRoot('the configuration has to belong to root'));

test('a record is found once there is one, and its page is named', () =>
  withDirectory(async (directory) => {
    const { session } = fakeSession();
    const config = `${directory}/lockstep.yaml`;
    await writeFile(config, `host: db1\nstateDirectory: ${directory}/state\n`, { mode: 0o640 });
    expect(recordLines(await findRecord(session, { config }, run))).toEqual([]);
    await mkdir(`${directory}/state/runs/migrate-run-1`, { recursive: true });
    await writeFile(`${directory}/state/runs/migrate-run-1/record.json`, '{}');
    expect(recordLines(await findRecord(session, { config }, run))).toEqual([`  run record: ${directory}/state/runs/migrate-run-1/record.md`]);
  }));

test('a host that was named without its lockstep.yaml has no record here', async () => {
  await expect(findRecord(fakeSession().session, { host: 'db1', config: '/no/lockstep.yaml' }, run)).resolves.toBeUndefined();
  await expect(findRecord(fakeSession().session, { host: 'db1' }, run)).resolves.toBeUndefined();
});
