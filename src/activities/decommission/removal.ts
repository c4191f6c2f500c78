import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { ifPresent } from '../../host/failure.js';
import { CommandFailed } from '../../host/processes/runner.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import { readIdentity, removeTree } from '../../host/files/treeRemoval.js';
import type { Attempt } from '../activity.js';
import { assertAsListed, assertNobodyHolds, assertServiceOnVolume, assertStillOurs } from './guards.js';
import { isEmptied, removedNotice, type Listing } from './listing.js';
import type { Copy } from './measuredCopy.js';
import { tellMigration } from './migration.js';
import { keepFact, needFact, readFact } from '../run/runFacts.js';

/** How far a removal has come, kept before and after each copy. */
export interface RemovalFact {
  /** Paths whose removal has begun. */
  readonly begun: readonly string[];
  readonly removed: readonly string[];
  /** Places that are kept empty: nothing can be written into them, or only a notice stands in the way. */
  readonly closedPlaces: Readonly<Record<string, 'immutable' | 'notice only'>>;
}

/** Of a run that has not begun to remove. */
export const nothingRemoved: RemovalFact = { begun: [], removed: [], closedPlaces: {} };

/** Removes what was listed and agreed to. Killed half-way, the next attempt goes on where this one was. */
export async function removeListed(attempt: Attempt): Promise<RemovalFact> {
  const { copies } = await needFact<Listing>(attempt, 'plaintext');
  let fact = (await readFact<RemovalFact>(attempt, 'removal')) ?? nothingRemoved;
  const keep = async (next: RemovalFact) => {
    fact = next;
    await keepFact(attempt, 'removal', fact);
  };
  const left = copies.filter(({ path }) => !fact.removed.includes(path));
  await assertServiceOnVolume(attempt);
  await assertNobodyHolds(attempt, left);
  await assertAsListed(attempt, left.filter(({ path }) => !fact.begun.includes(path)));
  await assertStillOurs(attempt);
  await tellMigration(attempt, 'decommission begun');
  for (const copy of left) {
    await assertStillOurs(attempt);
    await keep({ ...fact, begun: [...new Set([...fact.begun, copy.path])] });
    await removeCopy(attempt, copy);
    const closed = copy.keepsPlace ? { [copy.path]: await closePlace(attempt, copy.path) } : {};
    await keep({ ...fact, removed: [...fact.removed, copy.path], closedPlaces: { ...fact.closedPlaces, ...closed } });
  }
  return fact;
}

async function removeCopy({ signal, report }: Attempt, copy: Copy): Promise<void> {
  // An attempt that was killed had removed it to its end, or had closed its place.
  if ((await readIdentity(copy.path)) === undefined) return;
  if (copy.keepsPlace && isEmptied(await readdir(copy.path))) return;
  let done = 0;
  await removeTree({
    path: copy.path,
    identity: copy.identity,
    keepRoot: copy.keepsPlace,
    signal,
    onFile: () => report({ phase: `removing ${copy.path}`, done: (done += 1), total: copy.files, unit: 'files' }),
  });
}

/** Without it a container that is given the old volume by mistake would begin a new, empty, unencrypted cluster there. */
async function closePlace({ tools, call, now }: Attempt, path: string): Promise<'immutable' | 'notice only'> {
  await mkdir(path, { recursive: true });
  const notice = join(path, removedNotice);
  if ((await ifPresent(stat(notice))) === undefined) {
    const content = `The database that lay here runs on the encrypted volume.\nLockstep removed this copy (decommissionPlaintext, run ${call.runId}, ${now().toISOString()}).\nThis directory is kept so that nothing starts an unencrypted database in it.\n`;
    await ensureTextFile({ path: notice, content, mode: 0o444 });
  }
  try {
    await tools.filesystem.setImmutable({ path, immutable: true });
    return 'immutable';
  } catch (error) {
    // Not every filesystem knows the flag; initdb refuses a directory with a file in it all the same.
    if (error instanceof CommandFailed) return 'notice only';
    throw error;
  }
}

/** What a filesystem said when it was asked to tell its device which blocks are free. */
export interface Trimmed {
  readonly mountPoint: string;
  readonly words: string;
}

/** Tells the devices under what was removed which blocks are free, where they take that. */
export async function trimFilesystems({ tools, run }: Attempt, copies: readonly Copy[]): Promise<readonly Trimmed[]> {
  const mounts = new Map<string, string>();
  for (const { path } of copies) {
    const { mountPoint, deviceNumber } = await tools.mounts.readMountUnder({ path });
    mounts.set(deviceNumber, mountPoint);
  }
  const trimmed: Trimmed[] = [];
  for (const mountPoint of mounts.values()) {
    try {
      const { stdout } = await run('fstrim', ['--verbose', mountPoint], { timeout: 'unlimited' });
      trimmed.push({ mountPoint, words: stdout.trim() });
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      trimmed.push({ mountPoint, words: `not trimmed: ${error.stderr.trim() || error.how}` });
    }
  }
  return trimmed;
}

/** @throws {@link PermanentFailure} naming what is still there. */
export async function assertGone(copies: readonly Copy[], removed: readonly string[]): Promise<void> {
  for (const { path, keepsPlace } of copies.filter((copy) => removed.includes(copy.path))) {
    const names = keepsPlace ? (await readdir(path)).filter((name) => name !== removedNotice) : [];
    if (names.length > 0 || (!keepsPlace && (await readIdentity(path)) !== undefined)) {
      throw new PermanentFailure(`${path} was removed, and holds ${names.length === 0 ? 'something' : names.slice(0, 5).join(', ')} again`, 'find out what makes it anew, then retry');
    }
  }
}
