import { ifPresent } from '../failure.js';
import { readAuditFile, readRotatedPaths, type AuditFile } from './auditFiles.js';

/** A line of the audit log, taken apart; also one that the plan's scripts wrote, without figures. */
export interface AuditEntry {
  readonly at: Date;
  readonly event: string;
  /** As claimed. */
  readonly by: string;
  readonly from?: string;
  readonly details: Readonly<Record<string, string>>;
}

/**
 * All events of an audit log and of those that were rotated away beside it, in the order of their times.
 * Lines of another form are passed over.
 */
export async function readAuditEntries(path: string): Promise<readonly AuditEntry[]> {
  return (await readAuditFiles(path))
    .flatMap(({ lines }) => lines)
    .flatMap((line) => parseAuditEntry(Buffer.from(line, 'latin1').toString('utf8')) ?? [])
    .toSorted((one, other) => one.at.getTime() - other.at.getTime());
}

/** The log and its rotated files, as far as they are there. */
export async function readAuditFiles(path: string): Promise<readonly AuditFile[]> {
  // One may be rotated away between the listing and this.
  const files = await Promise.all([...(await readRotatedPaths(path)), path].map((each) => ifPresent(readAuditFile(each))));
  return files.filter((file) => file !== undefined);
}

const value = String.raw`"[^"]*"|\S+`;
const form = new RegExp(String.raw`^\[([^\]]+)\] ([A-Z][A-Z0-9_]*) by (${value})(?: from (${value}))?(.*)$`);
const detail = new RegExp(String.raw` ([A-Za-z][A-Za-z0-9]*)=(${value})`, 'g');

/** @returns undefined for a line that is no event. */
export function parseAuditEntry(line: string): AuditEntry | undefined {
  const [, time, event, by, from, rest = ''] = form.exec(line) ?? [];
  if (time === undefined || event === undefined || by === undefined) return undefined;
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return undefined;
  return {
    at,
    event,
    by: unquote(by),
    ...(from === undefined ? {} : { from: unquote(from) }),
    details: Object.fromEntries([...rest.matchAll(detail)].map(([, name = '', written = '']) => [name, unquote(written)])),
  };
}

/** What is escaped stays so: it was to hide something from whoever reads it. */
function unquote(written: string): string {
  return written.startsWith('"') ? written.slice(1, -1) : written;
}
