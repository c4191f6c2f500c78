import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { chooseProcessor, readAllowedProcessors } from '../../../../src/rehearsal/guest/processor.js';

it('gives each guest the processor with the fewest others', () => {
  expect(chooseProcessor([], [0, 1])).toBe(1);
  expect(chooseProcessor([1], [0, 1])).toBe(0);
  expect(chooseProcessor([1, 0], [0, 1])).toBe(1);
  expect(chooseProcessor([7, 7], [4])).toBe(4);
});

it("reads the kernel's list of processors", async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'lockstep-processor-')), 'status');
  await writeFile(file, 'Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-2,5,8-9\n');
  expect(await readAllowedProcessors(file)).toEqual([0, 1, 2, 5, 8, 9]);
});
