import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises';
import type { Anchor } from '../../../../src/host/audit/anchor.js';
import { readAuditFile } from '../../../../src/host/audit/auditFiles.js';
import { beginning, renderAuditLine, type AuditEvent, type AuditPosition } from '../../../../src/host/audit/auditLine.js';
import { createAuditLog, type AuditLog, type AuditLogSettings } from '../../../../src/host/audit/auditLog.js';
import { verifyAuditLog, type AuditReport } from '../../../../src/host/audit/auditVerification.js';

/** The time of every line that a test does not date otherwise. */
export const clock = () => new Date('2024-01-15T10:23:45Z');

/** An event as a step tells it, with a detail that is not ASCII. */
export const eventOf = (id: string, by = 'admin'): AuditEvent => ({ id, event: 'VOLUME_UNLOCK', by, details: { reason: 'Zoë asked' } });

/** Where a test's log and its position lie. */
export const placesIn = (directory: string) => ({ path: `${directory}/audit.log`, positionPath: `${directory}/position.json` });

/** A writer that has just started. */
export function startWriter(directory: string, settings: Partial<AuditLogSettings> = {}): AuditLog {
  return createAuditLog({ ...placesIn(directory), clock, ...settings });
}

/** Writes events with these ids, as a writer that has just started. */
export async function writeEvents(directory: string, ...ids: readonly string[]): Promise<Buffer> {
  const log = startWriter(directory);
  for (const id of ids) await log.append(eventOf(id));
  return readFile(placesIn(directory).path);
}

/** The lines of a log as somebody writes who knows how the chain is made. */
export function forge(events: readonly AuditEvent[], from: AuditPosition = beginning): string {
  const lines: string[] = [];
  let { sequence, chain } = from;
  for (const event of events) {
    const line = renderAuditLine(event, clock(), { sequence, chain }).toString('utf8');
    lines.push(line);
    sequence += 1;
    chain = line.slice(-33, -1);
  }
  return lines.join('');
}

/** Verifies files, at the time of their lines. */
export async function verify(paths: readonly string[], anchors: readonly Anchor[] = []): Promise<AuditReport> {
  return verifyAuditLog(await Promise.all(paths.map(readAuditFile)), { anchors, now: clock() });
}

/** What logrotate does with `copytruncate`. */
export async function copyAndTruncate(path: string, to: string): Promise<void> {
  await copyFile(path, to);
  await truncate(path);
}

/** Replaces lines of a file, and gives what was there. */
export async function editLines(path: string, edit: (lines: string[]) => readonly string[]): Promise<readonly string[]> {
  const lines = (await readFile(path, 'utf8')).split(/(?<=\n)/);
  await writeFile(path, edit([...lines]).join(''));
  return lines;
}
