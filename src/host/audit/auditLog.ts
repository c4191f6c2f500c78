import { constants } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { type AuditEvent, renderAuditLine, toAuditId } from './auditLine.js';
import { keepAuditPosition, readAuditPosition } from './auditPosition.js';
import { remember, takeUpLog, type KnownLog } from './auditTakeUp.js';
import type { TellJournal } from './systemJournal.js';
import { syncDirectoryOf } from '../files/durable.js';
import { errorCode, ifPresent } from '../failure.js';

export type { AuditEvent } from './auditLine.js';

/** The log of who changed what on this host. */
export interface AuditLog {
  /**
   * Writes an event as one line and waits until it is on the disk. An event whose id is in the log
   * already, or in the file that was rotated last, is not written again.
   *
   * @returns Whether a line was written.
   */
  readonly append: (event: AuditEvent) => Promise<boolean>;
}

/** What an audit log is made of. */
export interface AuditLogSettings {
  readonly path: string;
  /** Where the log's position is kept: {@link auditPositionPath}. */
  readonly positionPath: string;
  readonly clock: () => Date;
  /** Gets each line after it is on the disk. */
  readonly tell?: TellJournal;
}

/**
 * Opens the audit log, lazily: a first event makes the file, `root:adm` and 0640 as its neighbours in
 * /var/log are, so that those who review logs need not be root.
 *
 * Each line carries its number and a chain over the one before. That shows damage and careless edits;
 * whoever can write the file can also compute the chain anew, and cut lines off at the end together with
 * the position that is kept: that only an anchor off the host shows.
 *
 * Sequence and chain go on over a rotation by rename, after which the first line names where the log
 * stood. Where lines are gone that were on the disk, by a truncation in place (logrotate's copytruncate),
 * by hand or with a removed file, the next line says so and goes on from where the log stood.
 *
 * Calls within a process queue up. Another process may have appended in between, which is noticed, but
 * two processes must not append at the same moment: the worker, one to a host, is the writer.
 */
export function createAuditLog({ path, positionPath, clock, tell = () => undefined }: AuditLogSettings): AuditLog {
  let known: KnownLog | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function appendNow(event: AuditEvent): Promise<boolean> {
    const file = await openLog(path);
    try {
      const { ino, size, birthtimeMs } = await file.stat();
      const written: Buffer[] = [];
      const isTakenUp = known?.inode !== ino || known.sizeBytes !== size;
      if (known === undefined || isTakenUp) {
        const taken = await takeUpLog({ path, file, inode: ino, bornAt: birthtimeMs, kept: await readAuditPosition(positionPath), clock });
        known = taken.known;
        if (taken.line !== undefined) written.push(taken.line);
      }
      const id = toAuditId(event.id);
      const line = known.ids.has(id) ? undefined : renderAuditLine(event, clock(), known.position);
      // What is not known any more is read again: after a failure below nobody can say how much was written.
      const before = known;
      known = undefined;
      if (line !== undefined) await writeWhole(file, line);
      await file.sync();
      if (line !== undefined) {
        remember(before, line);
        written.push(line);
      }
      const { inode, position } = before;
      if ((isTakenUp || line !== undefined) && position.sequence > 0) await keepAuditPosition(positionPath, { sequence: position.sequence, chain: position.chain, path, inode, bornAt: birthtimeMs });
      for (const each of written) tell(each.toString('utf8').trimEnd());
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

async function writeWhole(file: FileHandle, bytes: Buffer): Promise<void> {
  const { bytesWritten } = await file.write(bytes);
  if (bytesWritten !== bytes.length) {
    throw new Error(`the audit log took ${bytesWritten} of ${bytes.length} bytes; look for room on its filesystem`);
  }
}
