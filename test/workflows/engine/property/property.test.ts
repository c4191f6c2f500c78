import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRealServer } from './devServer.js';
import { scenario } from './scenario.js';
import type { Server } from './server.js';
import { createSimulatedServer } from './simulatedServer.js';
import { createWorld } from './world.js';

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
const given = process.env['LOCKSTEP_PROPERTY_RUNS'];
/** The few of the quick tests are always the same: a change is not to fail for what it did not change. */
const seed = Number(process.env['LOCKSTEP_PROPERTY_SEED'] ?? (given === undefined ? 1 : Math.floor(Math.random() * 1_000_000_000)));

test('whatever happens to a run, what is true of every run holds, on a server that skips time', { timeout: 7_200_000 }, () =>
  holds(createSimulatedServer, { runs: Number(given ?? 80), lanes: 1, ways: ['first: rolled back', 'first: succeeded', 'resumed: succeeded', 'back: rolled back'] }));

/** A share of them as users have them. Runs mostly wait for that server, so many go on at once; each lane makes its own failure smaller. */
test('the same holds on the server that users run', { timeout: 7_200_000 }, () =>
  holds(createRealServer, { runs: given === undefined ? 20 : Math.ceil(Number(given) / 50), lanes: 20, ways: ['first: succeeded'] }));

async function holds(createServer: () => Promise<Server>, { runs, lanes, ways }: { readonly runs: number; readonly lanes: number; readonly ways: readonly string[] }): Promise<void> {
  const world = createWorld(await createServer());
  const ends = new Map<string, number>();
  const failed: { lane?: number } = {};
  const check = (lane: number) =>
    fc.assert(
      fc.asyncProperty(scenario, async (each) => {
        // The first to fail has the server for itself, so that it can be made smaller quickly.
        if (failed.lane !== undefined && failed.lane !== lane) return;
        try {
          for (const { kind, state } of await world.run(each)) ends.set(`${kind}: ${state}`, (ends.get(`${kind}: ${state}`) ?? 0) + 1);
        } catch (error) {
          failed.lane ??= lane;
          throw error;
        }
      }),
      { seed: seed + lane, numRuns: Math.ceil(runs / lanes), includeErrorInReport: true },
    );
  try {
    const results = await Promise.allSettled(Array.from({ length: lanes }, (_, lane) => check(lane)));
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
    expect(reasons, `seed ${seed}`).toEqual([]);
    // A generator that no longer leads every way would prove nothing.
    expect([...ends.keys()], `seed ${seed}`).toEqual(expect.arrayContaining([...ways]));
  } finally {
    await world.stop();
  }
}
