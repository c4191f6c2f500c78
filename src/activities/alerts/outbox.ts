import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Alert } from '../../contract/alerts.js';
import { syncDirectoryOf } from '../../host/files/durable.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { ensureTextFile, readTextFile } from '../../host/files/textFile.js';
import { ifPresent } from '../../host/failure.js';
import { entrySchema, toEntry, type Entry } from './entry.js';

/** A file of the outbox that holds no alert, or a directory of it that can not be read: it is told of, and in nobody's way. */
export interface DamagedEntry {
  readonly path: string;
  readonly reason: string;
}

/** What the outbox holds. */
export interface OutboxContents {
  /** In the order in which they were raised. */
  readonly entries: readonly Entry[];
  readonly damaged: readonly DamagedEntry[];
}

/** The alerts of a host, each in a file of its own, until some time after they got out. */
export interface Outbox {
  /**
   * Keeps an alert, once for each id: the same one again changes nothing, also after it got out.
   *
   * @returns Whether it was new, and why it could not be written where that failed: it is in this process's memory then.
   */
  readonly raise: (alert: Alert) => Promise<{ readonly isNew: boolean; readonly failure?: unknown }>;
  readonly read: () => Promise<OutboxContents>;
  /** Changes an entry; what can not be written stays in this process's memory, so that nothing goes out again and again. */
  readonly change: (id: string, change: (entry: Entry) => Entry) => Promise<{ readonly failure?: unknown }>;
  /** Forgets an alert. */
  readonly remove: (id: string) => Promise<void>;
}

/**
 * The outbox in a state directory. One process delivers; others may raise and read.
 *
 * A full or read-only disk is what people have to hear of: an alert that can not be written is kept in memory, goes out
 * from there, and is written as soon as that succeeds.
 *
 * @param stateDirectory - Lockstep's own directory on the host.
 */
export function createOutbox(stateDirectory: string): Outbox {
  const directory = join(stateDirectory, 'alerts');
  const unwritten = new Map<string, Entry>();
  /** They change no more: most of the files need not be read again every few seconds. */
  const settled = new Map<string, Entry>();
  const inTurn = createTurns();

  async function find(name: string): Promise<Entry | undefined> {
    const kept = unwritten.get(name) ?? settled.get(name);
    if (kept !== undefined) return kept;
    const text = await readTextFile(join(directory, name));
    const parsed = text === undefined ? undefined : parse(text);
    if (parsed?.settled !== undefined) settled.set(name, parsed);
    return parsed;
  }

  async function save(name: string, entry: Entry): Promise<{ readonly failure?: unknown }> {
    try {
      await ensureDirectory(directory, 0o700);
      await ensureTextFile({ path: join(directory, name), content: `${JSON.stringify(entry, null, 2)}\n`, mode: 0o600 });
      // The directory itself may be new.
      await syncDirectoryOf(directory);
      unwritten.delete(name);
      return {};
    } catch (failure) {
      unwritten.set(name, entry);
      return { failure };
    }
  }

  return {
    raise: (alert) =>
      inTurn(async () => {
        const name = nameOf(alert.id);
        // Whoever raises it again has the words of a damaged one.
        const present = await find(name).catch(() => undefined);
        if (present !== undefined && !unwritten.has(name)) return { isNew: false };
        return { isNew: present === undefined, ...(await save(name, present ?? toEntry(alert))) };
      }),

    async read() {
      const entries: Entry[] = [];
      const damaged: DamagedEntry[] = [];
      const passOver = (path: string) => (error: unknown) => void damaged.push({ path, reason: messageOf(error) });
      const onDisk = (await ifPresent(readdir(directory), absent).catch(passOver(directory))) ?? [];
      await Promise.all(
        [...new Set([...onDisk.filter((name) => namePattern.test(name)), ...unwritten.keys()])].map(async (name) => {
          const entry = await find(name).catch(passOver(join(directory, name)));
          if (entry !== undefined) entries.push(entry);
        }),
      );
      return { entries: entries.toSorted((one, other) => one.alert.at.localeCompare(other.alert.at) || one.alert.id.localeCompare(other.alert.id)), damaged };
    },

    change: (id, change) =>
      inTurn(async () => {
        const name = nameOf(id);
        const present = await find(name).catch(() => undefined);
        if (present === undefined) return {};
        const changed = change(present);
        return changed === present && !unwritten.has(name) ? {} : save(name, changed);
      }),

    remove: (id) =>
      inTurn(async () => {
        const name = nameOf(id);
        unwritten.delete(name);
        settled.delete(name);
        await rm(join(directory, name), { force: true });
      }),
  };
}

/** A file's name says nothing of what was raised, and is none that a path could hide in. */
function nameOf(id: string): string {
  return `${createHash('sha256').update(id).digest('hex')}.json`;
}

/** Nothing was raised yet. */
const absent = ['ENOENT'];

const namePattern = /^[0-9a-f]{64}\.json$/;

/** @throws Error that quotes nothing of the file. */
function parse(text: string): Entry {
  const parsed = entrySchema.safeParse(readJson(text));
  if (parsed.success) return parsed.data;
  throw new Error('it is no alert');
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One after the other: two changes of one file at a time would lose one of them. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const own = last.then(work);
    last = own.catch(() => undefined);
    return own;
  };
}
