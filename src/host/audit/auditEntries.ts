import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ifPresent } from '../failure.js';

/** A line of the audit log, taken apart; also one that the plan's scripts wrote, without figures. */
export interface AuditEntry {
  readonly at: Date;
  readonly event: string;
  /** As claimed. */
  readonly by: string;
  readonly from?: string;
  readonly details: Readonly<Record<string, string>>;
}

const unzip = promisify(gunzip);

/**
 * All events of an audit log and of those that were rotated away beside it (`.1`, `-20260101`, with or without
 * `.gz`), in the order of their times. Lines of another form are passed over.
 */
export async function readAuditEntries(path: string): Promise<readonly AuditEntry[]> {
  const name = basename(path);
  const names = ((await ifPresent(readdir(dirname(path)))) ?? []).filter((each) => each.startsWith(name) && /^([.-]\d+)?(\.gz)?$/.test(each.slice(name.length)));
  const texts = await Promise.all(names.map(async (each) => readText(join(dirname(path), each))));
  return texts
    .flatMap((text) => text.split('\n'))
    .flatMap((line) => parseAuditEntry(line) ?? [])
    .toSorted((one, other) => one.at.getTime() - other.at.getTime());
}

async function readText(path: string): Promise<string> {
  // It may be rotated away between the listing and this.
  const bytes = (await ifPresent(readFile(path))) ?? Buffer.alloc(0);
  return (path.endsWith('.gz') && bytes.length > 0 ? await unzip(bytes) : bytes).toString('utf8');
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
