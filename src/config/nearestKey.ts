import { childrenOf, pathsOf, schemaAt, type Schema } from './schemaTree.js';

/**
 * The key that a person most likely meant: one of the same section that is written nearly alike, else
 * one of that very name elsewhere in the file.
 *
 * @param section - Path of the section in which the unknown key stands.
 * @returns The path of the key with dots, or undefined where nothing is near.
 */
export function findNearestKey(root: Schema, section: readonly PropertyKey[], unknown: string): string | undefined {
  const sectionSchema = schemaAt(root, section);
  const siblings = sectionSchema === undefined ? [] : [...(childrenOf(sectionSchema)?.keys() ?? [])];
  const [near] = siblings
    .map((key) => ({ key, distance: editDistance(simplify(key), simplify(unknown)) }))
    .filter(({ key, distance }) => distance <= Math.max(1, Math.floor(key.length / 3)))
    .sort((one, other) => one.distance - other.distance);
  if (near !== undefined) return [...section, near.key].join('.');
  return pathsOf(root).find((path) => simplify(path.at(-1) ?? '') === simplify(unknown))?.join('.');
}

/** Spellings that differ only in case, dashes or underscores are the same word. */
function simplify(key: string): string {
  return key.toLowerCase().replace(/[-_]/g, '');
}

/** Levenshtein's distance: insertions, deletions and substitutions of one character. */
function editDistance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [row, character] of Array.from(one).entries()) {
    const current = [row + 1];
    for (const [column, candidate] of Array.from(other).entries()) {
      current.push(
        Math.min(
          (current[column] ?? 0) + 1,
          (previous[column + 1] ?? 0) + 1,
          (previous[column] ?? 0) + (character === candidate ? 0 : 1),
        ),
      );
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
