import { appendFile, chmod, readFile, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuditLog, type AuditEvent } from '../../../../src/host/audit/auditLog.js';
import { verifyAuditLog } from '../../../../src/host/audit/auditVerification.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';

const clock = () => new Date('2024-01-15T10:23:45Z');
const eventOf = (id: string, by = 'admin'): AuditEvent => ({ id, event: 'VOLUME_UNLOCK', by, details: { reason: 'Zoë asked' } });

async function writeLog(path: string, count: number): Promise<Buffer> {
  const log = createAuditLog({ path, clock });
  for (let index = 1; index <= count; index += 1) await log.append(eventOf(`e${index}`));
  return readFile(path);
}

describe('the audit log', () => {
  beforeAll(() => assertRoot('the log is given to the group adm'));

  it('is made for those who review logs, and for nobody else', () =>
    withDirectory(async (directory) => {
      await writeLog(`${directory}/audit.log`, 1);
      const { mode, uid } = await stat(`${directory}/audit.log`);
      expect([(mode & 0o777).toString(8), uid]).toEqual(['640', 0]);
    }));

  it('leaves the mode of a log that is there', () =>
    withDirectory(async (directory) => {
      await writeFile(`${directory}/audit.log`, '');
      await chmod(`${directory}/audit.log`, 0o600);
      await writeLog(`${directory}/audit.log`, 1);
      expect((await stat(`${directory}/audit.log`)).mode & 0o777).toBe(0o600);
    }));

  it('writes an event once, in this process and after a restart', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/audit.log`;
      const log = createAuditLog({ path, clock });
      expect(await log.append(eventOf('a b'))).toBe(true);
      expect(await log.append(eventOf('a b', 'somebody else'))).toBe(false);
      expect(await createAuditLog({ path, clock }).append(eventOf('a b'))).toBe(false);
      expect(await verifyAuditLog(path)).toMatchObject({ intact: true, lines: 1 });
    }));

  it('queues events that come at once', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/audit.log`;
      const log = createAuditLog({ path, clock });
      const ids = ['a', 'b', 'c', 'a', 'b'];
      expect(await Promise.all(ids.map((id) => log.append(eventOf(id))))).toEqual([true, true, true, false, false]);
      expect(await verifyAuditLog(path)).toMatchObject({ intact: true, lines: 3 });
    }));

  it('goes on after an event that was refused', () =>
    withDirectory(async (directory) => {
      const log = createAuditLog({ path: `${directory}/audit.log`, clock });
      const refused = log.append({ ...eventOf('a'), event: 'no name' });
      const written = log.append(eventOf('b'));
      await expect(refused).rejects.toThrow('"no name" is no name of an audit event');
      expect(await written).toBe(true);
    }));

  it('notices what another process appended, and a log that was rotated away', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/audit.log`;
      const [one, other] = [createAuditLog({ path, clock }), createAuditLog({ path, clock })];
      await one.append(eventOf('a'));
      await other.append(eventOf('b'));
      expect(await one.append(eventOf('b'))).toBe(false);
      await one.append(eventOf('c'));
      expect(await verifyAuditLog(path)).toMatchObject({ intact: true, lines: 3 });

      await rename(path, `${path}.1`);
      await other.append(eventOf('d'));
      expect(await verifyAuditLog(path)).toMatchObject({ intact: true, lines: 1 });
      expect(await verifyAuditLog(`${path}.1`)).toMatchObject({ intact: true, lines: 3 });
    }));

  it('refuses a symbolic link', () =>
    withDirectory(async (directory) => {
      await symlink(`${directory}/elsewhere`, `${directory}/audit.log`);
      await expect(writeLog(`${directory}/audit.log`, 1)).rejects.toThrow(`the audit log ${directory}/audit.log is a symbolic link`);
    }));

  it('goes on behind lines of another hand, which are reported', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/audit.log`;
      await writeFile(path, '[2024-01-15T10:23:45Z] VOLUME_UNLOCK by admin from 192.168.1.50\n');
      await writeLog(path, 2);
      expect(await verifyAuditLog(path)).toEqual({ intact: false, line: 1, reason: 'has no id and chain at its end' });
    }));

  it('mends a cut at any place, and says how much was lost', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/audit.log`;
      const whole = await writeLog(path, 4);
      const cuts = fc.integer({ min: 0, max: whole.length });
      await fc.assert(
        fc.asyncProperty(cuts, fc.option(cuts), async (cut, secondCut) => {
          await writeFile(path, whole.subarray(0, cut));
          await createAuditLog({ path, clock }).append(eventOf('after'));
          // A second power cut may fall into what the repair itself wrote.
          if (secondCut !== null && secondCut > cut) await truncate(path, Math.min(secondCut, (await stat(path)).size));
          await createAuditLog({ path, clock: () => new Date('2024-01-16T00:00:00Z') }).append(eventOf('after'));

          expect(await verifyAuditLog(path)).toMatchObject({ intact: true });
          const complete = whole.subarray(0, cut).lastIndexOf('\n') + 1;
          const content = await readFile(path);
          expect(content.subarray(0, complete).equals(whole.subarray(0, complete))).toBe(true);
          const text = content.toString('utf8');
          if (cut > complete) expect(text).toContain('AUDIT_LOG_REPAIRED by lockstep cutBytes=');
          if (cut > complete && secondCut === null) expect(text).toContain(`cutBytes=${cut - complete} `);
          expect(text.split(' id=after ')).toHaveLength(2);
        }),
        { numRuns: 200 },
      );
    }));

  it('shows a flipped bit at any place', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/audit.log`;
      const whole = await writeLog(path, 3);
      for (let position = 0; position < whole.length; position += 1) {
        const bit = 1 << position % 8;
        const flipped = Buffer.from(whole);
        flipped.writeUInt8(whole.readUInt8(position) ^ bit, position);
        await writeFile(path, flipped);
        expect(await verifyAuditLog(path), `bit ${bit} of byte ${position}`).toMatchObject({ intact: false });
      }
      await fc.assert(
        fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (position, mask) => {
          const changed = Buffer.from(whole);
          changed.writeUInt8(whole.readUInt8(position) ^ mask, position);
          await writeFile(path, changed);
          expect(await verifyAuditLog(path)).toMatchObject({ intact: false });
        }),
      );
    }));

  it('shows a line that was removed, exchanged or put in', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/audit.log`;
      const [one = '', two = '', three = ''] = (await writeLog(path, 3)).toString('utf8').split(/(?<=\n)/);
      for (const [lines, line] of [[[one, three], 2], [[two, three], 1], [[one, three, two], 2], [[one, two, two, three], 3]] as const) {
        await writeFile(path, lines.join(''));
        expect(await verifyAuditLog(path)).toMatchObject({ intact: false, line });
      }
      await writeFile(path, one);
      await appendFile(path, two.slice(0, -1));
      expect(await verifyAuditLog(path)).toEqual({ intact: false, line: 2, reason: `breaks off after ${Buffer.byteLength(two) - 1} bytes` });
    }));
});
