import { constants } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { type AuditEvent, chainOf, parseAuditLine, renderAuditLine, toAuditId } from './auditLine.js';
import { splitLines } from './auditVerification.js';
import { syncDirectoryOf } from '../files/durable.js';
import { errorCode, ifPresent } from '../failure.js';

export type { AuditEvent } from './auditLine.js';

/** The log of who changed what on this host. */
export interface AuditLog {
  /**
   * Writes an event as one line and waits until it is on the disk. An event whose id is in the log
   * already is not written again.
   *
   * @returns Whether a line was written.
   */
  readonly append: (event: AuditEvent) => Promise<boolean>;
}

/**
 * Opens the audit log, lazily: a first event makes the file, `root:adm` and 0640 as its neighbours in
 * /var/log are, so that those who review logs need not be root.
 *
 * Each line carries a chain over the one before. That shows damage and careless edits; whoever can
 * write the file can also compute the chain anew, and lines cut off at the end leave no trace in what
 * remains, so the last chain belongs into the run record as well.
 *
 * A log that was rotated away begins anew, with a chain of its own.
 *
 * Calls within a process queue up. Another process may have appended in between, which is noticed, but
 * two processes must not append at the same moment: the worker, one to a host, is the writer.
 */
export function createAuditLog({ path, clock }: { readonly path: string; readonly clock: () => Date }): AuditLog {
  let known: Known | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function appendNow(event: AuditEvent): Promise<boolean> {
    const file = await openLog(path);
    try {
      const stats = await file.stat();
      if (known?.inode !== stats.ino || known.sizeBytes !== stats.size) known = await scan(path, stats.ino, file, clock);
      const id = toAuditId(event.id);
      const line = known.ids.has(id) ? undefined : renderAuditLine(event, clock(), known.chain);
      // What is not known any more is read again: after a failure below nobody can say how much was written.
      const before = known;
      known = undefined;
      if (line !== undefined) await writeWhole(file, line);
      await file.sync();
      if (line !== undefined) remember(before, line);
      known = before;
      return line !== undefined;
    } finally {
      await file.close();
    }
  }

  return {
    append: (event) => {
      const result = last.then(() => appendNow(event));
      // The caller hears of a failure; the next event must not.
      last = result.catch(() => undefined);
      return result;
    },
  };
}

/** What this process knows of the file, good as long as inode and size are the same. */
interface Known {
  readonly inode: number;
  sizeBytes: number;
  chain: string;
  readonly ids: Set<string>;
}

async function openLog(path: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW;
  const present = await ifPresent(open(path, flags), ['ENOENT']).catch((error: unknown) => {
    throw errorCode(error) === 'ELOOP'
      ? new PermanentFailure(`the audit log ${path} is a symbolic link`, 'name the file itself as auditLog in lockstep.yaml')
      : error;
  });
  if (present !== undefined) return present;
  const file = await open(path, flags | constants.O_CREAT | constants.O_EXCL, 0o600);
  const group = await readGroupId('adm');
  if (group !== undefined) {
    await file.chown(0, group);
    await file.chmod(0o640);
  }
  await syncDirectoryOf(path);
  return file;
}

async function readGroupId(name: string): Promise<number | undefined> {
  const groups = await ifPresent(readFile('/etc/group', 'utf8'));
  const id = groups?.split('\n').find((line) => line.startsWith(`${name}:`))?.split(':')[2];
  return id === undefined ? undefined : Number(id);
}

/** Reads the whole file, and mends a last line that a power cut left without its end. */
async function scan(path: string, inode: number, file: FileHandle, clock: () => Date): Promise<Known> {
  const content = await file.readFile();
  const { lines, torn } = splitLines(content);
  const known: Known = { inode, sizeBytes: content.length - torn.length, chain: '', ids: new Set() };
  for (const line of lines) {
    const parsed = parseAuditLine(line);
    if (parsed !== undefined) known.ids.add(parsed.id);
    known.chain = parsed?.chain ?? chainOf(known.chain, line);
  }
  if (torn.length > 0) await repair(path, known, torn.length, clock);
  return known;
}

/**
 * Overwrites the torn line with the record of its removal and cuts what is left behind it, in this
 * order: a power cut in between leaves a torn line again, never a cut that nobody knows of.
 */
async function repair(path: string, known: Known, cutBytes: number, clock: () => Date): Promise<void> {
  const at = clock();
  const event = {
    id: `repair/${known.sizeBytes}/${at.getTime()}`,
    event: 'AUDIT_LOG_REPAIRED',
    by: 'lockstep',
    details: { cutBytes },
  };
  const line = renderAuditLine(event, at, known.chain);
  // Not the descriptor for appending: on it, Linux ignores the position of a write.
  const file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    await writeWhole(file, line, known.sizeBytes);
    await file.truncate(known.sizeBytes + line.length);
    await file.sync();
  } finally {
    await file.close();
  }
  remember(known, line);
}

async function writeWhole(file: FileHandle, bytes: Buffer, position?: number): Promise<void> {
  const { bytesWritten } = await file.write(bytes, 0, bytes.length, position ?? null);
  if (bytesWritten !== bytes.length) {
    throw new Error(`the audit log took ${bytesWritten} of ${bytes.length} bytes; look for room on its filesystem`);
  }
}

function remember(known: Known, line: Buffer): void {
  const parsed = parseAuditLine(line.toString('latin1').trimEnd());
  if (parsed === undefined) throw new Error('an audit line was written that cannot be read; report it');
  known.sizeBytes += line.length;
  known.chain = parsed.chain;
  known.ids.add(parsed.id);
}
