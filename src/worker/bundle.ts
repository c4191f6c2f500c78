import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { ifPresent } from '../host/failure.js';
import { bundlePath } from './workflowBundle.js';

/** Run by `npm run build` after the compiler: bundles the compiled workflows, unless nothing changed. */
const compiled = dirname(bundlePath);
const digestPath = `${bundlePath}.sha256`;

const digest = await digestOfInputs();
if ((await ifPresent(readFile(digestPath, 'utf8'))) !== digest) {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(compiled, 'workflows', 'index.js'),
    payloadConverterPath: join(compiled, 'workflows', 'payloadConverter.js'),
    logger: new DefaultLogger('WARN'),
    // Each start of a worker reads the map three times. Files and lines are what a stack trace needs of
    // it; columns and the sources themselves are most of its weight.
    webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-cheap-module-source-map' }),
  });
  await writeFile(bundlePath, code);
  await writeFile(digestPath, digest);
}

/** What can be part of the bundle: workflows and contract, the packages at the locked versions, and how it is made. */
async function digestOfInputs(): Promise<string> {
  const hash = createHash('sha256');
  const lock = fileURLToPath(new URL('../../package-lock.json', import.meta.url));
  const files = [lock, fileURLToPath(import.meta.url)];
  for (const folder of ['contract', 'workflows']) {
    const names = await readdir(join(compiled, folder), { recursive: true });
    files.push(...names.filter((name) => name.endsWith('.js')).sort().map((name) => join(compiled, folder, name)));
  }
  for (const file of files) {
    const content = await ifPresent(readFile(file));
    if (content !== undefined) hash.update(`${file}\0`).update(content);
  }
  return hash.digest('hex');
}
