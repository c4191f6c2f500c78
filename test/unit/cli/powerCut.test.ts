import { expect, test } from 'vitest';
import { createPowerCut } from '../../../src/cli/powerCut.js';
import type { NodeState } from '../../../src/contract/status.js';
import { nodes, status } from './present/fixtures.js';

const [first] = nodes;
const seen = (state: NodeState) => ({ ...status, nodes: first === undefined ? [] : [{ ...first, id: 'copy-data', state }] });

/** Looks at a run whose step goes through these states, and gives how often the power was cut. */
async function watch(step: string, ...states: readonly NodeState[]) {
  let cuts = 0;
  const powerCut = createPowerCut(step, () => {
    cuts += 1;
    return Promise.resolve();
  });
  for (const state of states) await powerCut.look(seen(state));
  return { cuts, powerCut };
}

test('the power is cut once, when the step is seen to run', async () => {
  const { cuts, powerCut } = await watch('copy-data', 'pending', 'running', 'running', 'done');
  expect(cuts).toBe(1);
  expect(powerCut.assertCut).not.toThrow();
});

test('a question is open instead of running', async () => {
  expect((await watch('copy-data', 'pending', 'open')).cuts).toBe(1);
});

test.each([
  ['is left out', ['pending', 'not needed'], 'the power was never cut: copy-data was not reached, since a rehearsal leaves it out; name another step'],
  ['was never come to', ['pending'], 'the power was never cut: copy-data was not reached, or was over before it was seen to run; name another step'],
  ['was quicker than the look', ['pending', 'done'], 'the power was never cut: copy-data was not reached, or was over before it was seen to run; name another step'],
] as const)('a rehearsal whose step %s has failed', async (_, states, message) => {
  const { cuts, powerCut } = await watch('copy-data', ...states);
  expect(cuts).toBe(0);
  expect(powerCut.assertCut).toThrow(expect.objectContaining({ exitCode: 1, message: expect.stringContaining(message) as string }) as Error);
});
