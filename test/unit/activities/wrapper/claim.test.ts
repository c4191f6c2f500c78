import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createClaimFile, type Claim } from '../../../../src/activities/wrapper/claim.js';
import { withDirectory } from '../../needsRoot.js';

const claimOf = (runId: string): Claim => ({ workflowId: 'h1/migrate', runId, runbook: 'migrate', startedBy: 'ann', takenAt: '2026-11-01T20:00:00Z' });

test('of many that take it at once, one gets it, and all are told which', () =>
  withDirectory(async (directory) => {
    const claims = createClaimFile(join(directory, 'state'));
    expect(await claims.read()).toBeUndefined();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => claims.take(claimOf(`run-${index}`))));
    const held = await claims.read();
    expect(new Set(answers.map((answer) => answer.held.runId))).toEqual(new Set([held?.runId]));
    // No draft is left beside it.
    expect(await readdir(join(directory, 'state'))).toEqual(['claim.json']);
    expect((await stat(join(directory, 'state', 'claim.json'))).mode & 0o777).toBe(0o600);
  }));

test('taking it again for the same run changes nothing', () =>
  withDirectory(async (directory) => {
    const claims = createClaimFile(directory);
    await claims.take(claimOf('run-1'));
    const { held } = await claims.take({ ...claimOf('run-1'), takenAt: '2026-11-02T20:00:00Z' });
    expect(held).toEqual(claimOf('run-1'));
  }));

test('only the run that holds it gives it back', () =>
  withDirectory(async (directory) => {
    const claims = createClaimFile(directory);
    await claims.release('run-1');
    await claims.take(claimOf('run-1'));
    await claims.release('run-2');
    expect((await claims.read())?.runId).toBe('run-1');
    await claims.release('run-1');
    expect(await claims.read()).toBeUndefined();
    expect((await claims.take(claimOf('run-2'))).held.runId).toBe('run-2');
  }));

test('one that comes first has it until it gives it up, and then the run before it, also through several', () =>
  withDirectory(async (directory) => {
    const claims = createClaimFile(directory);
    await claims.take(claimOf('planned'));
    await claims.lend('planned', claimOf('emergency'));
    expect(await claims.read()).toEqual({ ...claimOf('emergency'), lentBy: [claimOf('planned')] });
    await claims.lend('emergency', claimOf('access'));
    expect((await claims.read())?.lentBy).toEqual([claimOf('emergency'), claimOf('planned')]);
    // A run that is taken over owes it on.
    await claims.pass('access', claimOf('heir'));
    await claims.release('planned');
    await claims.release('heir');
    expect(await claims.read()).toEqual({ ...claimOf('emergency'), lentBy: [claimOf('planned')] });
    await claims.release('emergency');
    expect(await claims.read()).toEqual(claimOf('planned'));
  }));

test('a run that takes the host back from one that came first and was lost is owed nothing by itself, and does not wait for itself', () =>
  withDirectory(async (directory) => {
    const claims = createClaimFile(directory);
    await claims.take(claimOf('first'));
    await claims.lend('first', claimOf('planned'));
    await claims.lend('planned', claimOf('emergency'));
    await claims.pass('emergency', claimOf('planned'));
    expect(await claims.read()).toEqual({ ...claimOf('planned'), lentBy: [claimOf('first')] });
    await claims.release('planned');
    expect(await claims.read()).toEqual(claimOf('first'));
  }));
