import { readdir } from 'node:fs/promises';
import { ifPresent } from '../../host/failure.js';
import type { TargetContent } from '../../host/files/rsync.js';
import type { Attempt } from '../activity.js';
import { dropFact, keepFact, readFact } from '../run/runFacts.js';

/** A copy that has begun in an empty directory and is not over. */
interface CopyMark {
  readonly target: string;
  /** Tells whether the source is still the one that was being copied. */
  readonly sourceState: string;
  /** A power cut leaves files that have their size and not their content. */
  readonly bootId: string;
}

/**
 * What a copy finds in its target, noted before it begins: only what this very copy has put there since this
 * boot, from a source that has not changed, may be gone on with in the middle of a file.
 */
export async function markCopy(attempt: Attempt, { target, sourceState }: Omit<CopyMark, 'bootId'>): Promise<TargetContent> {
  const { bootId } = await attempt.tools.system.readBootId();
  const before = await readFact<CopyMark>(attempt, factOf(attempt));
  if (before?.target === target && before.sourceState === sourceState && before.bootId === bootId) return 'part of this copy';
  await endCopy(attempt);
  const names = await ifPresent(readdir(target));
  if (names !== undefined && names.length > 0) return 'anything';
  await keepFact(attempt, factOf(attempt), { target, sourceState, bootId } satisfies CopyMark);
  return 'nothing';
}

/** The copy is whole: what is in its target from now on is older than the next copy. */
export async function endCopy(attempt: Attempt): Promise<void> {
  await dropFact(attempt, factOf(attempt));
}

function factOf({ call }: Attempt): string {
  return `${call.node}-begun`;
}
