import { copyFile, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../../src/rehearsal/guest/projectFiles.js';
import { bundleForTest } from '../../workflows/compiled.js';

/** The version that it says it is. */
export const newerVersion = '99.0.0';

/**
 * Makes a newer version of this build: the same program with other workflows, below the checkout so
 * that it finds its packages.
 *
 * @returns The program of its command line.
 */
export async function buildNewerVersion(): Promise<string> {
  const directory = join(projectRoot(), 'node_modules', '.cache', 'lockstep', 'newer-version');
  const { codePath } = await bundleForTest(new URL('./workflows.ts', import.meta.url));
  await rm(directory, { recursive: true, force: true });
  await mkdir(join(directory, 'dist'), { recursive: true });
  await cp(join(projectRoot(), 'dist', 'bin'), join(directory, 'dist', 'bin'), { recursive: true });
  await copyFile(codePath, join(directory, 'dist', 'workflows.bundle.js'));
  await writeFile(join(directory, 'package.json'), JSON.stringify({ type: 'module', version: newerVersion }));
  return join(directory, 'dist', 'bin', 'main.js');
}
