import { readFile, writeFile } from 'node:fs/promises';
import type { Run } from '../host/processes/runner.js';

/**
 * Keeps this process's memory, in which typed passphrases lie, out of core dumps, and its children's
 * too: both settings are inherited. The limit alone does not do: a kernel that pipes dumps into a
 * program ignores it, hence the filter that leaves all memory out (core(5)).
 */
export async function disableCoreDumps(run: Run): Promise<void> {
  await writeFile('/proc/self/coredump_filter', '0');
  // As the unit has it. To start a program costs a large process on an emulated host a tenth of its own start.
  if (/^Max core file size +0 +0 /m.test(await readFile('/proc/self/limits', 'utf8'))) return;
  await run('prlimit', ['--core=0:0', '--pid', String(process.pid)]);
}
