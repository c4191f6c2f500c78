import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { maintenanceActivities } from '../../../../src/activities/services/maintenance.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

/** A host whose application answers writes as given, in turn, and health always; and what was done to it. */
async function hostThat(directory: string, writes: readonly number[], more: { readonly hasPredecessor?: boolean; readonly kind?: 'file' | 'stop' } = {}) {
  await writeFile(join(directory, 'source.json'), JSON.stringify({ container: 'database', applicationContainer: 'application' }));
  const left = [...writes];
  const done: string[] = [];
  const compose = { stop: () => Promise.resolve(done.push('stop')), up: () => Promise.resolve(done.push('up')) };
  const attempt = createAttempt({
    directory,
    ...(more.hasPredecessor === undefined ? {} : { hasPredecessor: more.hasPredecessor }),
    config: { maintenance: { mode: more.kind === 'stop' ? { kind: 'stop' } : { kind: 'file', path: join(directory, 'maintenance', 'on') } } },
    tools: {
      request: ({ method }: { method?: string }) =>
        Promise.resolve({ status: method === 'POST' ? ((left.length > 1 ? left.shift() : left[0]) ?? 0) : 200 }),
      docker: { readContainer: () => Promise.resolve({ isRunning: true }) },
      compose: () => compose,
    },
  });
  return { attempt, done, begin: () => maintenanceActivities.beginMaintenance.perform(attempt, undefined), leave: () => maintenanceActivities.leaveMaintenance.perform(attempt, undefined) };
}

test('a mode that refuses the write which was let through before is proven', () =>
  withDirectory(async (directory) => {
    const { begin, done } = await hostThat(directory, [401, 401, 503]);
    expect((await begin()).how).toBe('writes are refused (503), proven by a write');
    expect(done).toEqual([]);
  }));

test('a maintenance file that nothing reads proves nothing: the application is stopped', () =>
  withDirectory(async (directory) => {
    const { begin, done } = await hostThat(directory, [401]);
    expect((await begin()).how).toContain('did not refuse a write');
    expect(done).toEqual(['stop']);
  }), 20_000);

test('a service that refused before the mode was on proves nothing, unless this very step turned it on', () =>
  withDirectory(async (directory) => {
    const first = await hostThat(directory, [503]);
    expect((await first.begin()).how).toContain('did not refuse a write');
    const again = await hostThat(directory, [503], { hasPredecessor: true });
    expect((await again.begin()).how).toContain('proven by a write');
  }), 20_000);

test('whoever leaves maintenance finds the application healthy, however users were kept out', () =>
  withDirectory(async (directory) => {
    const { begin, leave, done } = await hostThat(directory, [401], { kind: 'stop' });
    expect((await begin()).how).toBe('the application is stopped');
    expect(await leave()).toEqual({ offlineSeconds: 0 });
    expect(done).toEqual(['stop']);
  }));
