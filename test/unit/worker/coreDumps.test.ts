import { execa } from 'execa';
import { expect, it } from 'vitest';
import { compileForTest } from '../../workflows/compiled.js';

const main = await compileForTest(new URL('./coreDumpsMain.ts', import.meta.url));

async function limitsAfter(before: string) {
  const { stdout } = await execa('prlimit', [`--core=${before}`, process.execPath, main]);
  return JSON.parse(stdout) as { readonly started: readonly string[]; readonly limit: string; readonly filter: string };
}

it('a process that may dump its memory may not any more, nor be dumped by a program', async () => {
  expect(await limitsAfter('0:unlimited')).toEqual({ started: ['prlimit'], limit: '0 0', filter: '00000000' });
});

it('where the unit has set the limit, no program is started', async () => {
  expect(await limitsAfter('0:0')).toEqual({ started: [], limit: '0 0', filter: '00000000' });
});
