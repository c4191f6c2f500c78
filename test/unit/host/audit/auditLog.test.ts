import { chmod, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { clock, eventOf, placesIn, startWriter, verify, writeEvents } from './logs.js';

describe('the audit log', () => {
  beforeAll(() => assertRoot('the log is given to the group adm'));

  it('is made for those who review logs, and for nobody else', () =>
    withDirectory(async (directory) => {
      await writeEvents(directory, 'a');
      const { mode, uid } = await stat(placesIn(directory).path);
      expect([(mode & 0o777).toString(8), uid]).toEqual(['640', 0]);
    }));

  it('leaves the mode of a log that is there', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeFile(path, '');
      await chmod(path, 0o600);
      await writeEvents(directory, 'a');
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    }));

  it('numbers its lines, and keeps how far it is', () =>
    withDirectory(async (directory) => {
      const { path, positionPath } = placesIn(directory);
      const lines = (await writeEvents(directory, 'a', 'b')).toString('utf8').split('\n');
      expect(lines[0]).toMatch(/^\[2024-01-15T10:23:45Z\] VOLUME_UNLOCK by admin reason="Zoë asked" id=a seq=1 chain=[0-9a-f]{32}$/);
      expect(lines[1]).toMatch(/ id=b seq=2 chain=[0-9a-f]{32}$/);
      const { ino, birthtimeMs } = await stat(path);
      expect(JSON.parse(await readFile(positionPath, 'utf8'))).toEqual({ sequence: 2, chain: lines[1]?.slice(-32), path, inode: ino, bornAt: birthtimeMs });
    }));

  it('writes an event once, in this process and after a restart', () =>
    withDirectory(async (directory) => {
      const log = startWriter(directory);
      expect(await log.append(eventOf('a b'))).toBe(true);
      expect(await log.append(eventOf('a b', 'somebody else'))).toBe(false);
      expect(await startWriter(directory).append(eventOf('a b'))).toBe(false);
      expect(await verify([placesIn(directory).path])).toMatchObject({ verdict: 'intact', lines: 1 });
    }));

  it('writes an event once whose process died before it had kept how far the log is', () =>
    withDirectory(async (directory) => {
      const { path, positionPath } = placesIn(directory);
      await writeEvents(directory, 'a');
      const before = await readFile(positionPath);
      await writeEvents(directory, 'b');
      await writeFile(positionPath, before);
      expect(await startWriter(directory).append(eventOf('b'))).toBe(false);
      expect(JSON.parse(await readFile(positionPath, 'utf8'))).toMatchObject({ sequence: 2 });
      expect(await verify([path])).toMatchObject({ verdict: 'intact', lines: 2 });
    }));

  it.each(['', '{"seq', '{"sequence":0}'])('goes by the log where what was kept is %j', (kept) =>
    withDirectory(async (directory) => {
      const { path, positionPath } = placesIn(directory);
      await writeEvents(directory, 'a', 'b');
      await writeFile(positionPath, kept);
      await writeEvents(directory, 'c');
      expect(await verify([path])).toMatchObject({ verdict: 'intact', lines: 3 });
    }));

  it('queues events that come at once', () =>
    withDirectory(async (directory) => {
      const log = startWriter(directory);
      const ids = ['a', 'b', 'c', 'a', 'b'];
      expect(await Promise.all(ids.map((id) => log.append(eventOf(id))))).toEqual([true, true, true, false, false]);
      expect(await verify([placesIn(directory).path])).toMatchObject({ verdict: 'intact', lines: 3 });
    }));

  it('goes on after an event that was refused', () =>
    withDirectory(async (directory) => {
      const log = startWriter(directory);
      const refused = log.append({ ...eventOf('a'), event: 'no name' });
      const written = log.append(eventOf('b'));
      await expect(refused).rejects.toThrow('"no name" is no name of an audit event');
      expect(await written).toBe(true);
    }));

  it('tells each line once it is in the file, and none twice', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      const told: string[] = [];
      const log = startWriter(directory, { tell: (line) => void told.push(line) });
      await log.append(eventOf('a'));
      await log.append(eventOf('a'));
      await rename(path, `${path}.1`);
      await log.append(eventOf('b'));
      const lines = `${await readFile(`${path}.1`, 'utf8')}${await readFile(path, 'utf8')}`;
      expect(told).toHaveLength(3);
      expect(`${told.join('\n')}\n`).toBe(lines);
    }));

  it('notices what another process appended', () =>
    withDirectory(async (directory) => {
      const [one, other] = [startWriter(directory), startWriter(directory)];
      await one.append(eventOf('a'));
      await other.append(eventOf('b'));
      expect(await one.append(eventOf('b'))).toBe(false);
      await one.append(eventOf('c'));
      expect(await verify([placesIn(directory).path])).toMatchObject({ verdict: 'intact', lines: 3 });
    }));

  it('refuses a symbolic link', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await symlink(`${directory}/elsewhere`, path);
      await expect(writeEvents(directory, 'a')).rejects.toThrow(`the audit log ${path} is a symbolic link`);
    }));

  it('goes on behind lines of another hand, which are reported', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeFile(path, '[2024-01-15T10:23:45Z] VOLUME_UNLOCK by admin from 192.168.1.50\n');
      await writeEvents(directory, 'a', 'b');
      expect(await verify([path])).toMatchObject({
        verdict: 'altered',
        findings: [{ kind: 'altered', file: path, line: 1, reason: 'has no id, seq and chain at its end' }],
      });
    }));

  it('mends a cut at any place, and says how much was lost', () =>
    withDirectory(async (directory) => {
      const { path, positionPath } = placesIn(directory);
      const whole = await writeEvents(directory, 'a', 'b', 'c', 'd');
      const cuts = fc.integer({ min: 0, max: whole.length });
      await fc.assert(
        fc.asyncProperty(cuts, fc.option(cuts), async (cut, secondCut) => {
          await writeFile(path, whole.subarray(0, cut));
          // A power cut takes what was not synced: nobody had heard of those lines.
          await rm(positionPath, { force: true });
          await startWriter(directory).append(eventOf('after'));
          if (secondCut !== null && secondCut > cut) {
            // A second one may fall into what the repair itself wrote.
            await truncate(path, Math.min(secondCut, (await stat(path)).size));
            await rm(positionPath);
          }
          await startWriter(directory, { clock: () => new Date('2024-01-16T00:00:00Z') }).append(eventOf('after'));

          expect(await verify([path])).toMatchObject({ verdict: 'intact' });
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

  it('says so where lines are gone that were on the disk, wherever the cut falls', () =>
    withDirectory(async (directory) => {
      const { path, positionPath } = placesIn(directory);
      const whole = await writeEvents(directory, 'a', 'b', 'c', 'd');
      const kept = await readFile(positionPath);
      const lastChain = whole.toString('utf8').slice(-33, -1);
      for (let cut = 0; cut < whole.length; cut += 7) {
        await writeFile(path, whole.subarray(0, cut));
        await writeFile(positionPath, kept);
        await startWriter(directory).append(eventOf('after'));
        const text = await readFile(path, 'utf8');
        expect(text).toContain(`[${clock().toISOString().slice(0, -5)}Z] AUDIT_LOG_TRUNCATED by lockstep previousSequence=4 previousChain=${lastChain} `);
        expect(text).toMatch(/ id=log\/AUDIT_LOG_TRUNCATED\/5 seq=5 chain=.*\n.* id=after seq=6 chain=[0-9a-f]{32}\n$/);
        expect(await verify([path]), `cut at ${cut}`).toMatchObject({ verdict: 'truncated', findings: [{ kind: 'truncated' }] });
      }
    }));

  it('reads the file once, however many events follow', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      const log = startWriter(directory);
      await log.append(eventOf('a'));
      // Same inode, same size: a writer that read it again would chain to what stands there now.
      const before = await readFile(path, 'utf8');
      await writeFile(path, before.replace('Zoë asked', 'Zoë baked'));
      await log.append(eventOf('b'));
      expect(await verify([path])).toMatchObject({ verdict: 'altered', findings: [{ line: 1 }] });
    }));
});
