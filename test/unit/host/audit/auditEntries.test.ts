import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { parseAuditEntry, readAuditEntries } from '../../../../src/host/audit/auditEntries.js';
import { beginning, renderAuditLine } from '../../../../src/host/audit/auditLine.js';
import { withDirectory } from '../../needsRoot.js';

const event = { id: 'run-1/open/do/1/VOLUME_UNLOCK', event: 'VOLUME_UNLOCK', by: 'Ann "the admin"', from: '192.0.2.7', details: { run: 'h1/startup', reason: 'after a reboot' } };
const at = new Date('2026-11-01T20:00:00Z');
const line = renderAuditLine(event, at, beginning).toString('utf8').trimEnd();

test('what was written is read again, words with spaces as well', () => {
  expect(parseAuditEntry(line)).toMatchObject({ at, event: 'VOLUME_UNLOCK', by: String.raw`Ann \u{22}the admin\u{22}`, from: '192.0.2.7', details: { run: 'h1/startup', reason: 'after a reboot', id: event.id } });
});

test("the plan's own lines are understood, and what is no event is not", () => {
  expect(parseAuditEntry('[2024-01-15T10:23:45Z] VOLUME_UNLOCK by admin from 192.168.1.50')).toEqual({ at: new Date('2024-01-15T10:23:45Z'), event: 'VOLUME_UNLOCK', by: 'admin', from: '192.168.1.50', details: {} });
  expect(parseAuditEntry('[2024-03-01T14:00:00Z] KEY_ROTATION by admin (annual rotation)')).toMatchObject({ event: 'KEY_ROTATION', by: 'admin', details: {} });
  for (const other of ['', 'begun by hand', '[yesterday] VOLUME_UNLOCK by admin', '[2024-03-01T14:00:00Z] unlocked by admin']) expect(parseAuditEntry(other)).toBeUndefined();
});

test('logs that were rotated away are read too, in the order of times; other files beside are not', () =>
  withDirectory(async (directory) => {
    const of = (month: string, by: string) => `[2026-${month}-01T00:00:00Z] VOLUME_UNLOCK by ${by}\n`;
    const path = join(directory, 'luks-audit.log');
    await writeFile(path, of('11', 'now'));
    await writeFile(`${path}.1`, of('10', 'before'));
    await writeFile(`${path}.2.gz`, gzipSync(of('09', 'long-ago')));
    await writeFile(`${path}-20260801`, of('08', 'dated'));
    await writeFile(`${path}.backup`, of('07', 'a copy'));
    expect((await readAuditEntries(path)).map(({ by }) => by)).toEqual(['dated', 'long-ago', 'before', 'now']);
    expect(await readAuditEntries(join(directory, 'none', 'log'))).toEqual([]);
  }));
