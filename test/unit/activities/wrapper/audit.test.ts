import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test, vi } from 'vitest';
import { createAudit } from '../../../../src/activities/wrapper/audit.js';
import { configSchema } from '../../../../src/config/schema.js';
import { createFakeRun, inputOf } from '../../fakeRun.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { callWith } from './harness.js';

beforeAll(() => assertRoot('the audit log is given to the group adm'));

const now = () => new Date('2024-01-15T10:23:45Z');

test('an event is in the file, in the journal, and told, once each', () =>
  withDirectory(async (directory) => {
    const config = configSchema.parse({ host: 'h1', auditLog: `${directory}/audit.log`, stateDirectory: `${directory}/state` });
    const run = createFakeRun([{ file: 'logger', args: () => true }]);
    const told: string[] = [];
    const audit = createAudit({ run, now, onAudited: (event) => void told.push(event) });
    for (let time = 0; time < 2; time += 1) await audit(config, 'run-1/close-run', 'RUN_CLOSE', callWith(), { state: 'succeeded' }, { by: 'ben', from: '10.0.0.7' });
    await audit(config, 'run-2/close-run', 'RUN_CLOSE', callWith(), {});
    expect(told).toEqual(['RUN_CLOSE', 'RUN_CLOSE']);
    const written = await readFile(config.auditLog, 'utf8');
    expect(written).toMatch(/^\[2024-01-15T10:23:45Z\] RUN_CLOSE by ben from 10\.0\.0\.7 run=h1\/migrate node=copy-data state=succeeded id=run-1\/close-run seq=1 chain=\S+\n.* by ann .* seq=2 /);
    await vi.waitFor(() => expect(run.calls.map(inputOf).join('')).toBe(written), { timeout: 15_000 });
  }));

test('a host without a journal has its events in the file, and that is told', () =>
  withDirectory(async (directory) => {
    const config = configSchema.parse({ host: 'h1', auditLog: `${directory}/audit.log`, stateDirectory: `${directory}/state` });
    const run = createFakeRun([{ file: 'logger', args: () => true, answer: { exitCode: 1 } }]);
    const trouble: string[] = [];
    const audit = createAudit({ run, now, onTrouble: (words) => void trouble.push(words) });
    await audit(config, 'a', 'RUN_OPEN', callWith(), {});
    await audit(config, 'b', 'RUN_CLOSE', callWith(), {});
    await vi.waitFor(() => expect(run.calls).toHaveLength(1), { timeout: 15_000 });
    expect((await readFile(config.auditLog, 'utf8')).split('\n')).toHaveLength(3);
    expect(trouble).toEqual([expect.stringContaining('the system journal does not take')]);
  }));
