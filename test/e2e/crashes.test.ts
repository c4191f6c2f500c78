import { afterAll, expect, it } from 'vitest';
import { nameOf } from '../matrix/cells.js';
import { repeatedEvents } from '../matrix/hostState.js';
import { runColumn } from '../matrix/runColumn.js';
import { sampleOf } from '../matrix/sample.js';

/** Another sample each day; LOCKSTEP_SAMPLE_SEED repeats that of a day. */
const seed = Number(process.env['LOCKSTEP_SAMPLE_SEED'] ?? Math.floor(Date.now() / 86_400_000));
const say = (words: string): void => void process.stderr.write(`e2e-crashes: ${words}\n`);

afterAll(() => say(`the sample was that of LOCKSTEP_SAMPLE_SEED=${seed}; the whole is npm run matrix`));

it('a migration, the rollback from it, and a migration that is left before its switch end as if nothing had happened, whatever dies on the way', async () => {
  const sample = sampleOf(seed);
  const chain = await runColumn({
    name: 'e2e-crashes',
    server: 'outside',
    faultAt: (place) => {
      const drawn = sample.get(nameOf(place));
      return drawn?.place.kind === place.kind ? drawn.fault : undefined;
    },
    onCell: ({ place, fault, resumedAfter }) => say(`${nameOf(place)}: ${fault}${resumedAfter === undefined ? '' : `, went on after ${(resumedAfter / 1000).toFixed(1)} s`}`),
  });
  expect(chain.failures).toEqual([]);
  expect(chain.cells.map(({ place }) => nameOf(place)).toSorted()).toEqual([...sample.keys()].toSorted());
  expect(chain.states).toEqual(['succeeded', 'rolled back', 'rolled back']);
  expect(chain.intact, JSON.stringify(chain.verdict)).toBe(true);
  const [migrated, ...back] = chain.hostStates;
  expect(migrated?.compose).toMatch(/\/mnt\/pg-data-encrypted\/pgdata .*true/);
  for (const { compose } of back) expect(compose).toMatch(/supersync-postgres \/var\/lib\/docker\/volumes\/supersync_pg-data\/_data always true/);
  for (const state of chain.hostStates) {
    expect(repeatedEvents(state.events)).toEqual([]);
    expect(state.leftovers).not.toMatch(/claimed|partial|lockstep-restore/);
  }
  const equal = (run: number, node: string) => chain.records[run]?.nodes.find(({ id }) => id === node)?.state;
  expect([equal(0, 'verify-copy'), equal(0, 'verify-rows'), equal(1, 'carry-over-verify')]).toEqual(['done', 'done', 'done']);
});
