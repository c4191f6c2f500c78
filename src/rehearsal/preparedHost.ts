import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { withLock } from '../host/processes/processLock.js';
import type { Run } from '../host/processes/runner.js';
import { bundleApplication } from './deployment/application/bundle.js';
import { bootGuest, diskOf, prepareImage, projectRoot, type GuestImage } from './guest/index.js';

/** What {@link preparedHost} is given. */
export interface PreparedHostSettings {
  readonly run: Run;
  /** Lockstep's cache on this machine. */
  readonly cacheDirectory: string;
  /** How large the database shall be, such as `2G`; absent: the default of 5,000 operations. */
  readonly size?: string;
  /** Told of every stage in a few words. */
  readonly onProgress: (stage: string) => void;
}

/**
 * The image of a disposable host on which the plan's deployment runs and is filled. It is made once for
 * each size and each version of the deployment, and booted from copy-on-write ever after. Whoever else
 * needs one at the same time waits.
 */
export function preparedHost(settings: PreparedHostSettings): Promise<GuestImage> {
  return withLock('lockstep-prepared-host', () => prepare(settings));
}

async function prepare({ run, cacheDirectory, size, onProgress }: PreparedHostSettings): Promise<GuestImage> {
  await mkdir(cacheDirectory, { recursive: true });
  const bundle = join(cacheDirectory, 'application.cjs');
  await bundleApplication(bundle);
  const base = await prepareImage({
    run,
    cacheDirectory,
    applicationBundle: bundle,
    onProgress: ({ title, step, steps }) => onProgress(`host ${step}/${steps}: ${title}`),
  });
  const directory = join(cacheDirectory, 'guest-deployed', `${basename(base.directory)}-${await digestOfDeployment(size)}`);
  const image: GuestImage = { directory };
  if (existsSync(diskOf(image))) return image;
  const partial: GuestImage = { directory: `${directory}.partial` };
  await rm(partial.directory, { recursive: true, force: true });
  await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
  // The disk is mostly holes, which Node's own copy would write out.
  await run('cp', ['--recursive', '--sparse=always', '--reflink=auto', base.directory, partial.directory], { timeout: 'service' });
  onProgress('booting the host for the first time');
  const guest = await bootGuest({ run, image: partial, directory: join(cacheDirectory, 'guest-run', 'prepare'), name: 'prepare', writesToImage: true });
  try {
    onProgress(`bringing the deployment up and filling it (${size ?? 'default size'})`);
    const program = join(projectRoot(), 'dist', 'bin', 'prepareDeployment.main.js');
    await guest.expect('node', [program, ...(size === undefined ? [] : [size])], { timeoutSeconds: 1800 });
    onProgress('shutting the prepared host down');
    await guest.shutDown();
  } finally {
    await guest.destroy();
  }
  await rm(directory, { recursive: true, force: true });
  await removeOutdated(dirname(directory), basename(base.directory));
  await rename(partial.directory, directory);
  return image;
}

/** What was prepared on an earlier base can not be booted to any use. */
async function removeOutdated(prepared: string, base: string): Promise<void> {
  for (const name of await readdir(prepared)) {
    if (!name.startsWith(base)) await rm(join(prepared, name), { recursive: true, force: true });
  }
}

/** Whatever decides what the prepared host holds. */
async function digestOfDeployment(size: string | undefined): Promise<string> {
  const hash = createHash('sha256').update(size ?? 'default');
  const directory = join(projectRoot(), 'dist', 'rehearsal', 'deployment');
  for (const name of (await readdir(directory)).filter((each) => each.endsWith('.js')).sort()) {
    hash.update(await readFile(join(directory, name)));
  }
  return hash.digest('hex').slice(0, 12);
}
