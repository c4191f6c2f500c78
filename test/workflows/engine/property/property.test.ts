import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scenario } from './scenario.js';
import { createWorld, type World } from './world.js';

/*
 * Random runbooks, failures, decisions, lost histories and crashes against the engine, held against
 * what is true of every run (rules.ts). Thousands of them:
 *
 *     npm run property
 *
 * What breaks a rule is made smaller and printed with its seed; to run that seed again:
 *
 *     LOCKSTEP_PROPERTY_SEED=<seed> npm run property
 */
const runs = Number(process.env['LOCKSTEP_PROPERTY_RUNS'] ?? 40);
/** The few of the quick tests are always the same: a change is not to fail for what it did not change. */
const seed = Number(process.env['LOCKSTEP_PROPERTY_SEED'] ?? (process.env['LOCKSTEP_PROPERTY_RUNS'] === undefined ? 1 : Math.floor(Math.random() * 1_000_000_000)));
/** Runs mostly wait for a server, so many go on at once; each lane makes its own failure smaller. */
const lanes = 20;

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());

test('whatever happens to a run, what is true of every run holds', { timeout: 900_000 }, async () => {
  const states = new Map<string, number>();
  const failed: { lane?: number } = {};
  const check = (lane: number) =>
    fc.assert(
      fc.asyncProperty(scenario, async (each) => {
        // The first to fail has the server for itself, so that it can be made smaller quickly.
        if (failed.lane !== undefined && failed.lane !== lane) return;
        try {
          const { state } = await world.run(each);
          states.set(state, (states.get(state) ?? 0) + 1);
        } catch (error) {
          failed.lane ??= lane;
          throw error;
        }
      }),
      { seed: seed + lane, numRuns: Math.ceil(runs / lanes), interruptAfterTimeLimit: 600_000, markInterruptAsFailure: true, includeErrorInReport: true },
    );
  const results = await Promise.allSettled(Array.from({ length: lanes }, (_, lane) => check(lane)));
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
  expect(reasons, `seed ${seed}`).toEqual([]);
  // A generator that no longer leads both ways would prove nothing.
  expect([...states.keys()], `seed ${seed}`).toEqual(expect.arrayContaining(['rolled back', 'succeeded']));
});
