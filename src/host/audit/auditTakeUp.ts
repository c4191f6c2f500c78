import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { readPredecessor, splitLines } from './auditFiles.js';
import { beginning, chainOf, parseAuditLine, renderAuditLine, type AuditEvent, type AuditPosition, type BreakEvent } from './auditLine.js';
import type { KnownPosition } from './auditPosition.js';

/** What the writer knows of the file, good as long as inode and size are the same. */
export interface KnownLog {
  readonly inode: number;
  sizeBytes: number;
  position: AuditPosition;
  readonly ids: Set<string>;
}

/** The file as it was opened, and what was known of the log before. */
export interface LogToTakeUp {
  readonly path: string;
  readonly file: FileHandle;
  readonly inode: number;
  readonly bornAt: number;
  /** Where the log stood, as far as is known. */
  readonly kept: KnownPosition | undefined;
  readonly clock: () => Date;
}

/**
 * Reads the whole file, and the ids of the one that was rotated last: an event may have been written just
 * before the rotation, and be told again by a retry. Where the file does not simply go on, a line of the
 * log's own says how: it begins after a rotation, lines are gone, or a power cut tore the last one.
 *
 * @returns What is known of the file then, and that line, where there is one.
 */
export async function takeUpLog({ path, file, inode, bornAt, kept, clock }: LogToTakeUp): Promise<{ readonly known: KnownLog; readonly line?: Buffer }> {
  const content = await file.readFile();
  const { lines, torn } = splitLines(content);
  const predecessor = await readPredecessor(path);
  const known: KnownLog = { inode, sizeBytes: content.length - torn.length, position: beginning, ids: new Set(predecessor.ids) };
  for (const line of lines) {
    const parsed = parseAuditLine(line);
    if (parsed !== undefined) known.ids.add(parsed.id);
    known.position = parsed ?? { ...known.position, chain: chainOf(known.position.chain, line) };
  }
  const isSameFile = kept?.inode === inode && kept.bornAt === bornAt;
  const follows = whatItFollows({ isEmpty: lines.length === 0, path, isSameFile, own: known.position, kept, rotated: predecessor.end });
  if (follows === undefined && torn === '') return { known };
  const previous = follows?.position ?? known.position;
  const event = mending({ follows, previous, cutBytes: torn.length });
  const line = renderAuditLine(event, clock(), previous);
  await overwriteEnd(path, line, known.sizeBytes);
  remember(known, line);
  return { known, line };
}

/** Adds a line that was written to what is known. */
export function remember(known: KnownLog, line: Buffer): void {
  const parsed = parseAuditLine(line.toString('latin1').trimEnd());
  if (parsed === undefined) throw new Error('an audit line was written that cannot be read; report it');
  known.sizeBytes += line.length;
  known.position = parsed;
  known.ids.add(parsed.id);
}

interface Follows {
  readonly event: BreakEvent;
  readonly position: AuditPosition;
}

/** Undefined where the file goes on by itself, or nothing was there before it. */
function whatItFollows({ isEmpty, path, isSameFile, own, kept, rotated }: {
  readonly isEmpty: boolean;
  readonly path: string;
  /** As the one that held the last line that is known. */
  readonly isSameFile: boolean;
  readonly own: AuditPosition;
  readonly kept: KnownPosition | undefined;
  readonly rotated: AuditPosition | undefined;
}): Follows | undefined {
  if (!isEmpty) return kept === undefined || kept.sequence <= own.sequence ? undefined : { event: 'AUDIT_LOG_TRUNCATED', position: kept };
  // lockstep.yaml names another file than before.
  if (kept !== undefined && kept.path !== path) return { event: 'AUDIT_LOG_CONTINUED', position: kept };
  const isRotatedWhole = rotated !== undefined && rotated.sequence >= (kept?.sequence ?? 0);
  const position = isRotatedWhole ? rotated : kept;
  // The very file that had lines has none: it was shortened in place, even if a copy of them lies beside it.
  return position && { event: isRotatedWhole && !isSameFile ? 'AUDIT_LOG_CONTINUED' : 'AUDIT_LOG_TRUNCATED', position };
}

function mending({ follows, previous, cutBytes }: { readonly follows: Follows | undefined; readonly previous: AuditPosition; readonly cutBytes: number }): AuditEvent {
  const event = follows?.event ?? 'AUDIT_LOG_REPAIRED';
  return {
    id: `log/${event}/${previous.sequence + 1}`,
    event,
    by: 'lockstep',
    details: {
      ...(follows === undefined ? {} : { previousSequence: previous.sequence, previousChain: previous.chain }),
      ...(cutBytes === 0 ? {} : { cutBytes }),
    },
  };
}

/**
 * Overwrites a torn line with the record of its removal and cuts what is left behind it, in this
 * order: a power cut in between leaves a torn line again, never a cut that nobody knows of.
 */
async function overwriteEnd(path: string, line: Buffer, atBytes: number): Promise<void> {
  // Not the descriptor for appending: on it, Linux ignores the position of a write.
  const file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    const { bytesWritten } = await file.write(line, 0, line.length, atBytes);
    if (bytesWritten !== line.length) {
      throw new Error(`the audit log took ${bytesWritten} of ${line.length} bytes; look for room on its filesystem`);
    }
    await file.truncate(atBytes + line.length);
    await file.sync();
  } finally {
    await file.close();
  }
}
