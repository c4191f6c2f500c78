import { readFile } from 'node:fs/promises';

/** Where the pages lie. */
export const pagesDirectory = new URL('../docs/', import.meta.url);

/** A page of the folder `docs`, as people read it. */
export function readPage(name: string): Promise<string> {
  return readFile(new URL(name, pagesDirectory), 'utf8');
}

/**
 * The blocks that are typed as they stand, by the names in their first lines (`# step ops-1`).
 *
 * @param page - Its text.
 * @throws Error for a name that two blocks have.
 */
export function stepsOf(page: string): ReadonlyMap<string, string> {
  const steps = new Map<string, string>();
  for (const [, block = '', name = ''] of page.matchAll(/```sh\n(# step (\S+)\n[\s\S]*?)```/g)) {
    if (steps.has(name)) throw new Error(`the page has two steps ${name}`);
    steps.set(name, block);
  }
  return steps;
}
