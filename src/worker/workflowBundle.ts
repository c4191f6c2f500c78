import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PermanentFailure } from '../contract/errors.js';
import type { Bundle } from './replay.js';

/** Where `npm run build` puts the bundle: beside the compiled folders. */
export const bundlePath = fileURLToPath(new URL('../workflows.bundle.js', import.meta.url));

/**
 * The bundle that was built with this version. Building it when a worker starts would take seconds
 * that users wait for after a crash.
 *
 * @throws {@link PermanentFailure} where it was not built.
 */
export function builtBundle(): Bundle {
  if (!existsSync(bundlePath)) throw new PermanentFailure(`${bundlePath} does not exist`, 'build it with "npm run build"');
  return { codePath: bundlePath };
}
