import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

/** One line of a client's journal; `at` is milliseconds since 1970. */
const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('began'), at: z.number(), clientId: z.string() }),
  z.strictObject({ kind: z.literal('sent'), at: z.number(), ids: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('acknowledged'), at: z.number(), ids: z.array(z.string()) }),
  /** The server answered that it takes no writes now. */
  z.strictObject({ kind: z.literal('refused'), at: z.number(), reason: z.string() }),
  /** No answer, or one that leaves the outcome unknown. */
  z.strictObject({ kind: z.literal('unanswered'), at: z.number(), reason: z.string() }),
  z.strictObject({ kind: z.literal('stopped'), at: z.number() }),
]);

/** One line of a client's journal. */
export type Entry = z.infer<typeof entrySchema>;

/** A journal that is being written. */
export interface Journal {
  /** What an earlier process of this client wrote. */
  readonly earlier: readonly Entry[];
  /** Appends an entry; one that acknowledges is on disk when the promise resolves. */
  append(entry: Entry): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a journal to append to it. A last line torn by a crash is cut off.
 *
 * @throws Error when a line before the last is no entry, or the file cannot be written.
 */
export async function openJournal(file: string): Promise<Journal> {
  await mkdir(dirname(file), { recursive: true });
  const text = await readIfPresent(file);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const earlier = parseJournal(whole);
  const handle = await open(file, 'a');
  if (whole.length < text.length) await handle.truncate(Buffer.byteLength(whole));
  return {
    earlier,
    append: async (entry) => {
      await handle.appendFile(`${JSON.stringify(entry)}\n`);
      if (entry.kind === 'acknowledged') await handle.datasync();
    },
    close: async () => {
      await handle.sync();
      await handle.close();
    },
  };
}

/**
 * Reads a journal, also while it is being written.
 *
 * @throws Error when there is none, or a line before the last is no entry.
 */
export async function readJournal(file: string): Promise<readonly Entry[]> {
  const text = await readFile(file, 'utf8');
  return parseJournal(text.slice(0, text.lastIndexOf('\n') + 1));
}

function parseJournal(text: string): Entry[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line, index) => {
    const parsed = entrySchema.safeParse(asJson(line));
    if (!parsed.success) throw new Error(`line ${index + 1} of the client's journal is no entry; the journal cannot prove anything any more`);
    return parsed.data;
  });
}

async function readIfPresent(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function asJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
