import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';

const pathOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const { version } = JSON.parse(await readFile(pathOf('package.json'), 'utf8')) as { version: string };

/** A flag that decides what code V8 makes stands for another version of it. */
const anotherV8 = '--no-opt';

async function isCodeRefused(...flags: readonly string[]): Promise<string> {
  const program = `import { loadScript } from ${JSON.stringify(pathOf('dist/bin/loadScript.js'))}; process.stdout.write(['programs', 'workflowThread'].map((name) => loadScript(name).script.cachedDataRejected).join());`;
  return (await execa(process.execPath, [...flags, '--input-type=module', '--eval', program])).stdout;
}

it('the build keeps compiled code that its own Node takes', async () => {
  expect(await isCodeRefused()).toBe('false,false');
});

it('a V8 that refuses the compiled code compiles for itself', async () => {
  expect(await isCodeRefused(anotherV8)).toBe('true,true');
  expect((await execa(process.execPath, [anotherV8, pathOf('dist/bin/main.js'), '--version'])).stdout).toBe(version);
});
