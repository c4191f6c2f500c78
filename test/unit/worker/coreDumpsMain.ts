import { readFile } from 'node:fs/promises';
import { createRun, type Run } from '../../../src/host/processes/runner.js';
import { disableCoreDumps } from '../../../src/worker/coreDumps.js';

/** Prints which programs it took, and what the kernel says of this process afterwards. */
const started: string[] = [];
const real = createRun();
const run: Run = (file, ...rest) => {
  started.push(file);
  return real(file, ...rest);
};
await disableCoreDumps(run);
const [, soft = '', hard = ''] = /^Max core file size +(\S+) +(\S+)/m.exec(await readFile('/proc/self/limits', 'utf8')) ?? [];
const filter = (await readFile('/proc/self/coredump_filter', 'utf8')).trim();
process.stdout.write(JSON.stringify({ started, limit: `${soft} ${hard}`, filter }));
