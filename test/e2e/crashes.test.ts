import { expect, it } from 'vitest';
import { migration } from '../matrix/courses/migration.js';
import { runSampled } from './sampledCourse.js';

it('a migration, the rollback from it, and a migration that is left before its switch end as if nothing had happened, whatever dies on the way', async () => {
  const chain = await runSampled('e2e-crashes', migration, { oneOf: 3, powerCutEvery: 8 });
  const [migrated, ...back] = chain.hostStates;
  expect(migrated?.parts['compose']).toMatch(/\/mnt\/pg-data-encrypted\/pgdata .*true/);
  for (const { parts } of back) expect(parts['compose']).toMatch(/supersync-postgres \/var\/lib\/docker\/volumes\/supersync_pg-data\/_data always true/);
  const equal = (run: number, node: string) => chain.records[run]?.nodes.find(({ id }) => id === node)?.state;
  expect([equal(0, 'verify-copy'), equal(0, 'verify-rows'), equal(1, 'carry-over-verify')]).toEqual(['done', 'done', 'done']);
});
