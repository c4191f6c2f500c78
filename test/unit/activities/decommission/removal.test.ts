import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Attempt } from '../../../../src/activities/activity.js';
import { assertGone, removeListed } from '../../../../src/activities/decommission/removal.js';
import { measureCopy } from '../../../../src/activities/decommission/measuredCopy.js';
import { keepFact, readFact } from '../../../../src/activities/run/runFacts.js';
import { createClaimFile } from '../../../../src/activities/wrapper/claim.js';
import { createMounts } from '../../../../src/host/disks/mounts.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

/** No process has this number. */
const noProcess = 2 ** 22 + 1;

/** A host whose database runs on the encrypted volume, with an old data directory and a dump that were listed. */
async function listedHost(directory: string) {
  const own = join(directory, 'run');
  const migration = join(directory, 'migration');
  const root = join(directory, 'old');
  const dump = join(directory, 'old.sql');
  const deployment = join(directory, 'deployment');
  for (const path of [own, migration, join(root, 'base'), deployment]) await mkdir(path, { recursive: true });
  for (let at = 0; at < 20; at += 1) await writeFile(join(root, 'base', String(at)), 'rows');
  await writeFile(dump, 'rows');
  await writeFile(join(deployment, 'docker-compose.yaml'), 'services: {}\n');
  await writeFile(join(deployment, '.env'), 'COMPOSE_FILE=docker-compose.yaml:docker-compose.encrypted.yaml\n');
  await keepFact({ directory: own }, 'source', { root, directory: root, container: 'db' });
  await keepFact({ directory: own }, 'migration', { directory: migration });
  const copies = [await measureCopy({ what: 'old data directory', path: root, keepsPlace: true }), await measureCopy({ what: 'dump', path: dump, keepsPlace: false })];
  await keepFact({ directory: own }, 'plaintext', { copies, kept: [] });
  const closed: string[] = [];
  const opened = { onVolume: true };
  const attempt = createAttempt({
    directory: own,
    config: { stateDirectory: join(directory, 'state'), deployment: { directory: deployment } },
    tools: {
      docker: { readContainer: () => Promise.resolve({ processId: noProcess }), readContainerIds: () => Promise.resolve([]) },
      postgres: { isReady: () => Promise.resolve(true) },
      mounts: {
        ...createMounts({ run: createRun() }),
        readMount: () => Promise.resolve({ deviceNumber: '253:0' }),
        readMappedDevice: ({ deviceNumber }: { deviceNumber: string }) => Promise.resolve(deviceNumber === '253:0' ? { name: 'pg-data-encrypted' } : undefined),
      },
      openFiles: {
        readProcesses: () => Promise.resolve([]),
        readProcessTree: () => Promise.resolve([noProcess]),
        readOpenFiles: ({ pids }: { pids: readonly number[] }) =>
          Promise.resolve(pids.map(() => ({ kind: 'file', via: 'descriptor', writable: true, path: '/data/1', deviceNumber: opened.onVolume ? '253:0' : '8:1', inode: '1' }))),
      },
      filesystem: { setImmutable: ({ path }: { path: string }) => Promise.resolve({ changed: closed.push(path) > 0 }) },
    },
  });
  await createClaimFile(attempt.config.stateDirectory).take({ workflowId: 'h1/x', runId: attempt.call.runId, runbook: 'x', startedBy: 'ann', takenAt: '' });
  const journalOfMigration = () => readFile(join(migration, 'journal.jsonl'), 'utf8').catch(() => '');
  return { attempt, copies, root, dump, closed, opened, journalOfMigration, filesLeft: async () => (await readdir(join(root, 'base'))).length };
}

/** The same attempt, cut off after some files. */
function cutAfter(attempt: Attempt, files: number): Attempt {
  const controller = new AbortController();
  return {
    ...attempt,
    signal: controller.signal,
    report: ({ done }) => {
      if (done === files) controller.abort();
    },
  };
}

test('a removal that is cut off goes on where it was, and ends with a closed place', () =>
  withDirectory(async (directory) => {
    const { attempt, copies, root, dump, closed, journalOfMigration, filesLeft } = await listedHost(directory);
    await expect(removeListed(cutAfter(attempt, 7))).rejects.toThrow('aborted');
    expect(await filesLeft()).toBe(13);
    expect(await journalOfMigration()).toContain('decommission begun');
    expect(await readFact(attempt, 'removal')).toMatchObject({ begun: [root], removed: [] });

    expect(await removeListed(attempt)).toEqual({ begun: [root, dump], removed: [root, dump], closedPlaces: { [root]: 'immutable' } });
    expect(await readdir(root)).toEqual(['REMOVED-BY-LOCKSTEP.txt']);
    expect(closed).toEqual([root]);
    expect(await readdir(directory)).not.toContain('old.sql');
    await expect(assertGone(copies, [root, dump])).resolves.toBeUndefined();
    // Killed after its last removal, before it could tell.
    expect((await removeListed(attempt)).removed).toEqual([root, dump]);
    expect((await journalOfMigration()).match(/decommission begun/g)).toHaveLength(1);
  }));

test('nothing is removed, and the way back stays open, where the database is not on the encrypted volume', () =>
  withDirectory(async (directory) => {
    const { attempt, opened, journalOfMigration, filesLeft } = await listedHost(directory);
    opened.onVolume = false;
    await expect(removeListed(attempt)).rejects.toThrow('which is not on the encrypted volume; nothing is removed');
    await writeFile(join(attempt.config.deployment.directory, '.env'), '');
    await expect(removeListed(attempt)).rejects.toThrow('does not select the encrypted volume');
    expect(await filesLeft()).toBe(20);
    expect(await journalOfMigration()).toBe('');
  }));

test('nothing is removed where a file came to what was listed, or the claim has gone', () =>
  withDirectory(async (directory) => {
    const { attempt, root, journalOfMigration, filesLeft } = await listedHost(directory);
    await createClaimFile(attempt.config.stateDirectory).release(attempt.call.runId);
    await expect(removeListed(attempt)).rejects.toThrow('claim of this host is not held by this run');
    await writeFile(join(root, 'new'), '');
    await expect(removeListed(attempt)).rejects.toThrow('has changed since it was listed (20 files');
    expect(await filesLeft()).toBe(20);
    expect(await journalOfMigration()).toBe('');
  }));
