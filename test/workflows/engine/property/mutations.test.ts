import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mutations, type Mutation } from './mutations.js';
import { type Scenario, scenario } from './scenario.js';
import { createSimulatedServer } from './simulatedServer.js';
import { createWorld } from './world.js';

/*
 * The rules against an engine with a fault: rules that let it pass would be worth nothing. Each fault
 * is put into a copy of the sources. Part of `npm run property`.
 */
const isWanted = process.env['LOCKSTEP_PROPERTY_RUNS'] !== undefined;
const root = fileURLToPath(new URL('../../../..', import.meta.url));
/** Below the checkout, where it finds the packages; what lies below node_modules would not be compiled. */
const directory = join(root, '.mutated');
const mostRuns = 4000;

test.skipIf(!isWanted).for(mutations)('the rules see that $name', { timeout: 1_200_000 }, async (mutation) => {
  await writeMutated(mutation);
  const world = createWorld(await createSimulatedServer(pathToFileURL(join(directory, 'test/workflows/engine/property/workflows.ts'))));
  try {
    await expect(runUntilBroken((each) => world.run(each))).rejects.toThrow('BROKEN');
  } finally {
    await world.stop();
    await rm(directory, { recursive: true });
  }
});

// A change of the engine that no mutation fits any more is to be seen where it is made.
test.for(mutations)('$name can be put into $file', async ({ file, original }) => {
  expect(await readFile(join(root, 'src/workflows/engine', file), 'utf8')).toContain(original);
});

async function writeMutated({ file, original, mutated }: Mutation): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  for (const each of ['src', 'test/workflows/engine']) await cp(join(root, each), join(directory, each), { recursive: true });
  await symlink(join(root, 'package.json'), join(directory, 'package.json'));
  const path = join(directory, 'src/workflows/engine', file);
  const source = await readFile(path, 'utf8');
  await writeFile(path, source.replaceAll(original, () => mutated));
}

/** Without making what was found smaller: that it is found is enough. */
async function runUntilBroken(run: (each: Scenario) => Promise<unknown>): Promise<void> {
  for (const each of fc.sample(scenario, { seed: 1, numRuns: mostRuns })) await run(each);
}
