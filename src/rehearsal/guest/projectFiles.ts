import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The project's folder, the same from the sources and from the build: files that are no TypeScript
 * are not copied to `dist/`, and are used where they lie in `src/`.
 */
export function projectRoot(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory;
}

/**
 * A folder or file of the guest's sources.
 *
 * @param names - The path under `src/rehearsal/guest/`.
 */
export function guestSource(...names: readonly string[]): string {
  return join(projectRoot(), 'src', 'rehearsal', 'guest', ...names);
}
