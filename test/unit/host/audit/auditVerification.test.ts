import { appendFile, readFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Anchor } from '../../../../src/host/audit/anchor.js';
import { splitLines } from '../../../../src/host/audit/auditFiles.js';
import type { AuditEvent } from '../../../../src/host/audit/auditLine.js';
import { verifyAuditLog } from '../../../../src/host/audit/auditVerification.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { clock, editLines, eventOf, forge, placesIn, verify, writeEvents } from './logs.js';

const host = 'db1';

/** What was sent off the host after a line. */
async function anchorAfter(path: string, sequence: number): Promise<Anchor> {
  const line = (await readFile(path, 'utf8')).split('\n')[sequence - 1] ?? '';
  return { at: '2024-01-15T10:24:00Z', host, sequence, chain: line.slice(-32) };
}

describe('the verification of an audit log', () => {
  beforeAll(() => assertRoot('the log is given to the group adm'));

  it('shows a flipped bit at any place', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      const whole = await writeEvents(directory, 'a', 'b', 'c');
      for (let position = 0; position < whole.length; position += 1) {
        const bit = 1 << position % 8;
        const flipped = Buffer.from(whole);
        flipped.writeUInt8(whole.readUInt8(position) ^ bit, position);
        await writeFile(path, flipped);
        expect((await verify([path])).verdict, `bit ${bit} of byte ${position}`).not.toBe('intact');
      }
      await fc.assert(
        fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (position, mask) => {
          const changed = Buffer.from(whole);
          changed.writeUInt8(whole.readUInt8(position) ^ mask, position);
          await writeFile(path, changed);
          expect((await verify([path])).verdict).not.toBe('intact');
        }),
      );
    }));

  it.each([
    ['an altered word', (lines: string[]) => lines.map((line, index) => (index === 1 ? line.replace('Zoë', 'Tim') : line)), 'altered', 2],
    ['an altered number', (lines: string[]) => lines.map((line, index) => (index === 1 ? line.replace('seq=2', 'seq=7') : line)), 'altered', 2],
    ['a removed first line', (lines: string[]) => lines.slice(1), 'truncated', 1],
    ['a removed middle line', (lines: string[]) => lines.toSpliced(1, 1), 'truncated', 2],
    ['exchanged lines', ([one = '', two = '', three = '', four = '']: string[]) => [one, three, two, four], 'altered', 2],
    ['a doubled line', ([one = '', two = '', ...more]: string[]) => [one, two, two, ...more], 'altered', 3],
    ['a line put in, numbered and chained', ([one = '', ...more]: string[]) => [one, forge([eventOf('x')], { sequence: 1, chain: one.slice(-33, -1) }), ...more], 'altered', 3],
    ['a line of another form', ([one = '', ...more]: string[]) => [one, 'unlocked, ben\n', ...more], 'altered', 2],
  ] as const)('shows %s, and where', (_, edit, verdict, line) =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a', 'b', 'c', 'd');
      await editLines(path, edit);
      const report = await verify([path]);
      expect(report).toMatchObject({ verdict, findings: expect.arrayContaining([expect.objectContaining({ kind: verdict, file: path, line })]) as unknown });
      expect(report.findings[0]?.line).toBe(line);
    }));

  it('finds one edit once, and a second one behind it', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a', 'b', 'c', 'd', 'e');
      await editLines(path, (lines) => lines.map((line, index) => (index % 2 === 1 ? line.replace('Zoë', 'Tim') : line)));
      expect((await verify([path])).findings.map(({ line }) => line)).toEqual([2, 4]);
    }));

  it('tells of a last line that breaks off', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a');
      await appendFile(path, '[2024-01-15T10:23');
      expect(await verify([path])).toMatchObject({ verdict: 'truncated', findings: [{ line: 2, reason: 'breaks off after 17 bytes; the next event mends that' }] });
    }));

  it('sees an end that was cut off by an anchor alone', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a', 'b', 'c');
      const [early, late] = [await anchorAfter(path, 1), await anchorAfter(path, 3)];
      await editLines(path, ([one = '', two = '']) => [one, two]);
      expect(await verify([path])).toMatchObject({ verdict: 'intact', anchors: { agreeing: 0 } });
      expect(await verify([path], [early])).toMatchObject({ verdict: 'intact', anchors: { agreeing: 1 } });
      expect(await verify([path], [early, late])).toMatchObject({
        verdict: 'truncated',
        findings: [{ reason: 'the log ends with seq=2, but the anchor that db1 sent at 2024-01-15T10:24:00Z knows a line with seq=3' }],
        anchors: { agreeing: 1 },
      });
    }));

  it('sees a past that was written anew with its chain by an anchor alone', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a', 'b', 'c');
      const anchor = await anchorAfter(path, 3);
      await writeFile(path, forge([eventOf('a'), eventOf('x', 'mallory'), eventOf('b'), eventOf('c')]));
      expect(await verify([path])).toMatchObject({ verdict: 'intact', lines: 4 });
      const report = await verify([path], [anchor]);
      expect(report).toMatchObject({ verdict: 'anchor mismatch', anchors: { agreeing: 0 } });
      expect(report.findings[0]?.reason).toContain(`the anchor that db1 sent at 2024-01-15T10:24:00Z says ${anchor.chain}`);
    }));

  it('sees a past that was removed with its files by an anchor that is younger than twelve months', () => {
    const from = { sequence: 7, chain: 'f'.repeat(32) };
    const continued: AuditEvent = { id: 'log/AUDIT_LOG_CONTINUED/8', event: 'AUDIT_LOG_CONTINUED', by: 'lockstep', details: { previousSequence: 7, previousChain: from.chain } };
    const files = [{ path: 'log', torn: '', lines: splitLines(Buffer.from(forge([continued, eventOf('a')], from))).lines }];
    const anchor = (at: string): Anchor => ({ at, host, sequence: 3, chain: 'e'.repeat(32) });
    const judged = (at: string, isWhole: boolean) => verifyAuditLog(files, { anchors: [anchor(at)], isWhole, now: clock() });
    expect(judged('2023-02-01T00:00:00Z', true)).toMatchObject({
      verdict: 'truncated',
      findings: [{ reason: 'the log begins with seq=8, but the anchor that db1 sent at 2023-02-01T00:00:00Z knows a line with seq=3, and 12 months are to be kept' }],
      anchors: { agreeing: 0, olderThanFiles: 0 },
    });
    expect(judged('2023-01-14T00:00:00Z', true)).toMatchObject({ verdict: 'intact', anchors: { olderThanFiles: 1 } });
    // Whoever names some of the files has others.
    expect(judged('2023-02-01T00:00:00Z', false)).toMatchObject({ verdict: 'intact', anchors: { olderThanFiles: 1 } });
  });

  it('calls the gravest of several findings the verdict', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a', 'b', 'c');
      const anchor = { ...(await anchorAfter(path, 3)), sequence: 9 };
      await editLines(path, ([one = '', ...more]) => [one.replace('Zoë', 'Tim'), ...more]);
      expect(await verify([path], [anchor])).toMatchObject({ verdict: 'altered', findings: [{ kind: 'altered' }, { kind: 'truncated' }] });
    }));

  it('tells a file that is none', () =>
    withDirectory(async (directory) => {
      const [none, empty, torn] = [`${directory}/none`, `${directory}/empty`, `${directory}/torn`];
      await writeFile(torn, '[2024-01-15T10:23');
      await writeFile(none, 'root:x:0:0\n');
      await writeFile(empty, '');
      expect(await verify([none])).toMatchObject({ verdict: 'not an audit log', findings: [{ file: none }] });
      expect(await verify([empty])).toMatchObject({ verdict: 'intact', lines: 0 });
      expect(await verify([torn])).toMatchObject({ verdict: 'truncated', lines: 0 });
    }));

  it('tells where older lines are gone before their twelve months are over', () => {
    const at = (day: string) => [{ path: 'log', torn: '', lines: forge([eventOf('a')], { sequence: 7, chain: 'f'.repeat(32) }).replace('2024-01-15', day).trimEnd().split('\n') }];
    const notesAt = (day: string) => verifyAuditLog(at(day), { now: clock() }).notes.join();
    expect(notesAt('2023-02-01')).toBe('The log goes back to 2023-02-01 only; 12 months are to be kept, back to 2023-01-15. See deploy/logrotate.d/lockstep.');
    expect(notesAt('2023-01-14')).toBe('');
    expect(verifyAuditLog([{ path: 'log', torn: '', lines: forge([eventOf('a')]).trimEnd().split('\n') }], { now: clock() }).notes).toEqual([]);
  });
});
