import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { build, type BuildOptions } from 'esbuild';
import { ifPresent } from '../../src/host/failure.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Below the checkout, so that what lies there finds the packages. */
const directory = join(root, 'node_modules/.cache/lockstep');

/**
 * Bundles workflows for tests, with the project's payload converter: once, until one of the files that
 * are part of it changes.
 *
 * @param workflowsUrl - The module that exports workflow functions, as `new URL('./x.ts', import.meta.url)`.
 * @param preloadModules - Packages that all runs share, since reading them anew would be most of what a quick run costs.
 */
export async function bundleForTest(workflowsUrl: URL, preloadModules: readonly string[] = []): Promise<{ readonly codePath: string }> {
  const workflowsPath = fileURLToPath(workflowsUrl);
  const payloadConverterPath = join(root, 'src/workflows/payloadConverter.ts');
  const { metafile } = await build({ ...common, entryPoints: [workflowsPath, payloadConverterPath], outdir: directory, metafile: true });
  const inputs = [...Object.keys(metafile.inputs), 'package-lock.json'].sort();
  const contents = await Promise.all(inputs.map(async (path) => [path, await readFile(join(root, path), 'utf8')]));
  const codePath = await ensureMade(`${nameOf(workflowsPath)}.bundle`, 'js', JSON.stringify([...preloadModules, ...contents]), async () => {
    const { code } = await bundleWorkflowCode({ workflowsPath, payloadConverterPath, preloadModules: [...preloadModules], logger: new DefaultLogger('ERROR') });
    return code;
  });
  return { codePath };
}

/**
 * Compiles a program for tests that start it as a process: through tsx each start would cost a second
 * more of a processor.
 *
 * @returns The path of a module for node.
 */
export async function compileForTest(mainUrl: URL): Promise<string> {
  const entry = fileURLToPath(mainUrl);
  // The program finds files of the checkout by its own place.
  const define = { 'import.meta.url': JSON.stringify(mainUrl.href) };
  const { outputFiles } = await build({ ...common, entryPoints: [entry], define });
  const [{ text } = { text: '' }] = outputFiles;
  return ensureMade(nameOf(entry), 'mjs', text, () => Promise.resolve(text));
}

const common = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
} as const satisfies BuildOptions;

/** Files are told apart by their folders: many are called workflows.ts. */
function nameOf(path: string): string {
  return path.slice(root.length).replace(/\.ts$/, '').replaceAll('/', '-');
}

/** @param source - What it is made from: the same is not made again. */
async function ensureMade(name: string, extension: string, source: string, make: () => Promise<string>): Promise<string> {
  const digest = createHash('sha256').update(source).digest('hex').slice(0, 16);
  const path = join(directory, `${name}.${digest}.${extension}`);
  if (existsSync(path)) {
    await utimes(path, new Date(), new Date());
    return path;
  }
  await mkdir(directory, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, await make());
  await rename(unfinished, path);
  await removeUnused(name);
  return path;
}

/** What was used within the hour may be in use by another run. */
async function removeUnused(name: string): Promise<void> {
  for (const file of await readdir(directory)) {
    if (!file.startsWith(`${name}.`)) continue;
    const path = join(directory, file);
    const used = await ifPresent(stat(path));
    if (used !== undefined && Date.now() - used.mtimeMs > 3_600_000) await rm(path, { force: true });
  }
}
