import { comparedFields, readCompleteManifest, type ManifestEntry } from './manifestEntry.js';

/** A path that both sides have, with the fields in which they differ. */
export interface ManifestDifference {
  readonly path: string;
  readonly fields: readonly (typeof comparedFields)[number][];
}

/** What sets two directories apart: counts, and the first of each kind by name. */
export interface ManifestComparison {
  readonly equal: boolean;
  readonly missingCount: number;
  readonly missing: readonly string[];
  readonly extraCount: number;
  readonly extra: readonly string[];
  readonly differentCount: number;
  readonly different: readonly ManifestDifference[];
}

/** Enough to see a pattern, little enough for a report. */
const namedAtMost = 20;

/**
 * Compares two complete manifests path by path. A file without a digest on either side, since it
 * changed while it was read, counts as different.
 *
 * @param source - The manifest's file of the directory that is right.
 * @param target - That of its copy: `missing` is what the copy lacks, `extra` what it has besides.
 * @throws {@link PermanentFailure} when one of them is not complete.
 */
export async function compareManifests({ source, target }: { readonly source: string; readonly target: string }): Promise<ManifestComparison> {
  const left = new Map<string, ManifestEntry>();
  for await (const entry of readCompleteManifest({ file: source })) left.set(entry.path, entry);

  const extra: string[] = [];
  const different: ManifestDifference[] = [];
  for await (const entry of readCompleteManifest({ file: target })) {
    const original = left.get(entry.path);
    left.delete(entry.path);
    if (original === undefined) {
      extra.push(entry.path);
      continue;
    }
    const fields = comparedFields.filter((field) => differs(field, original, entry));
    if (fields.length > 0) different.push({ path: entry.path, fields });
  }
  const missing = [...left.keys()];
  return {
    equal: missing.length + extra.length + different.length === 0,
    missingCount: missing.length,
    missing: missing.slice(0, namedAtMost),
    extraCount: extra.length,
    extra: extra.slice(0, namedAtMost),
    differentCount: different.length,
    different: different.slice(0, namedAtMost),
  };
}

function differs(field: (typeof comparedFields)[number], original: ManifestEntry, copy: ManifestEntry): boolean {
  if (field === 'sha256' && original.type === 'file' && original.sha256 === null) return true;
  return original[field] !== copy[field];
}
