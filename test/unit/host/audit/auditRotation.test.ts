import { copyFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { readRotatedPaths } from '../../../../src/host/audit/auditFiles.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { copyAndTruncate, editLines, eventOf, placesIn, startWriter, verify, writeEvents } from './logs.js';

describe('a rotation of the audit log', () => {
  beforeAll(() => assertRoot('the log is given to the group adm'));

  it('goes on with number and chain, with the writer open across it', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      const log = startWriter(directory);
      await log.append(eventOf('a'));
      await log.append(eventOf('b'));
      await rename(path, `${path}.1`);
      await log.append(eventOf('c'));

      const lastChain = (await readFile(`${path}.1`, 'utf8')).slice(-33, -1);
      const [first, second] = (await readFile(path, 'utf8')).split('\n');
      expect(first).toContain(`] AUDIT_LOG_CONTINUED by lockstep previousSequence=2 previousChain=${lastChain} id=log/AUDIT_LOG_CONTINUED/3 seq=3 chain=`);
      expect(second).toContain(' id=c seq=4 chain=');
      expect(await verify([path, `${path}.1`])).toMatchObject({ verdict: 'intact', lines: 4, notes: [], files: [{ path: `${path}.1` }, { path }] });
      const alone = await verify([path]);
      expect(alone).toMatchObject({ verdict: 'intact', lines: 2 });
      expect(alone.notes[0]).toBe('The first line goes on from seq=2: lines seq=1 to 2 are not in these files.');
    }));

  it('goes on also where logrotate has created the file, and the worker was started anew', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a');
      await rename(path, `${path}-20240201`);
      await writeFile(path, '');
      await writeEvents(directory, 'b');
      expect(await verify([`${path}-20240201`, path])).toMatchObject({ verdict: 'intact', lines: 3, last: { sequence: 3 } });
    }));

  it('goes on by the rotated file where nothing else is known any more', () =>
    withDirectory(async (directory) => {
      const { path, positionPath } = placesIn(directory);
      await writeEvents(directory, 'a', 'b');
      await rename(path, `${path}.1`);
      await rm(positionPath);
      await writeEvents(directory, 'c');
      expect(await verify([`${path}.1`, path])).toMatchObject({ verdict: 'intact', last: { sequence: 4 } });
    }));

  it.each([
    ['within a process', false],
    ['after a restart', true],
  ])('does not repeat an event of just before it, %s', (_, isRestarted) =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      const log = startWriter(directory);
      await log.append(eventOf('a'));
      await rename(path, `${path}.1`);
      const after = isRestarted ? startWriter(directory) : log;
      expect(await after.append(eventOf('a'))).toBe(false);
      expect(await after.append(eventOf('b'))).toBe(true);
      expect(await startWriter(directory).append(eventOf('a'))).toBe(false);
      expect(await verify([`${path}.1`, path])).toMatchObject({ verdict: 'intact', lines: 3 });
    }));

  it('goes on by the file that is just being packed', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a', 'b');
      await rename(path, `${path}.1`);
      await writeFile(`${path}.1.gz`, gzipSync(await readFile(`${path}.1`)).subarray(0, 40));
      expect(await startWriter(directory).append(eventOf('b'))).toBe(false);
      await rm(`${path}.1.gz`);
      expect(await verify([`${path}.1`, path])).toMatchObject({ verdict: 'intact', notes: [], lines: 3 });
    }));

  it('is followed over many files, packed, numbered and dated, in whatever order they are named', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      for (const [id, name] of [['a', '.3.gz'], ['b', '.2'], ['c', '-20240301'], ['d', '.1']] as const) {
        await writeEvents(directory, id);
        if (name.endsWith('.gz')) {
          await writeFile(`${path}${name}`, gzipSync(await readFile(path)));
          await rm(path);
        } else {
          await rename(path, `${path}${name}`);
        }
      }
      await writeEvents(directory, 'e');
      await writeFile(`${path}.lockstep-partial`, '');
      const paths = await readRotatedPaths(path);
      expect([...paths].sort()).toEqual(['-20240301', '.1', '.2', '.3.gz'].map((name) => `${path}${name}`));
      const report = await verify([path, ...paths]);
      expect(report).toMatchObject({ verdict: 'intact', lines: 9, first: { sequence: 1 }, last: { sequence: 9 } });
      expect(report.files.map((file) => file.path.slice(path.length))).toEqual(['.3.gz', '.2', '-20240301', '.1', '']);
    }));

  it('takes a file that is there twice for one, as where packing was killed', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a', 'b');
      await rename(path, `${path}.1`);
      await writeEvents(directory, 'c');
      await writeFile(`${path}.1.gz`, gzipSync(await readFile(`${path}.1`)));
      expect(await verify([path, `${path}.1`, `${path}.1.gz`])).toMatchObject({ verdict: 'intact', last: { sequence: 4 } });
    }));

  it('shows a file that is missing between two, and an edit before the rotation', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      for (const name of ['.3', '.2']) {
        await writeEvents(directory, name);
        await rename(path, `${path}${name}`);
      }
      await writeEvents(directory, 'c');
      expect(await verify([`${path}.3`, path])).toMatchObject({
        verdict: 'truncated',
        findings: [{ file: path, line: 1, reason: 'says that the log had reached seq=3: lines seq=2 to 3 are missing' }],
      });
      await editLines(`${path}.2`, ([one = '']) => [one]);
      expect(await verify([`${path}.3`, `${path}.2`, path])).toMatchObject({ verdict: 'truncated', findings: [{ file: path, line: 1, reason: 'says that the log had reached seq=3: line seq=3 is missing' }] });
    }));

  it('is told from a truncation in place, within a process and after a restart', async () => {
    for (const isRestarted of [false, true]) {
      await withDirectory(async (directory) => {
        const { path } = placesIn(directory);
        const log = startWriter(directory);
        await log.append(eventOf('a'));
        await log.append(eventOf('b'));
        await copyAndTruncate(path, `${path}.1`);
        const after = isRestarted ? startWriter(directory) : log;
        expect(await after.append(eventOf('b'))).toBe(false);
        await after.append(eventOf('c'));
        expect(await readFile(path, 'utf8')).toMatch(/^\[.*\] AUDIT_LOG_TRUNCATED by lockstep previousSequence=2 .* seq=3 chain=\S+\n.* id=c seq=4 /);
        expect(await verify([path])).toMatchObject({ verdict: 'truncated', findings: [{ line: 1, reason: 'says that the log had reached seq=2: lines seq=1 to 2 are missing' }] });
        expect(await verify([`${path}.1`, path])).toMatchObject({
          verdict: 'intact',
          notes: ['After seq=2 the log had lost its lines, which are all here. Where logrotate did that: let it rename the log, without copytruncate or olddir.'],
        });
      });
    }
  });

  it('shows what a copy before a truncation missed', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      const log = startWriter(directory);
      await log.append(eventOf('a'));
      await copyFile(path, `${path}.1`);
      await log.append(eventOf('between'));
      await truncate(path);
      await log.append(eventOf('c'));
      expect(await verify([`${path}.1`, path])).toMatchObject({ verdict: 'truncated', findings: [{ reason: 'says that the log had reached seq=2: line seq=2 is missing' }] });
    }));

  it('is told from a log that was removed', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a', 'b');
      await rm(path);
      await writeEvents(directory, 'c');
      expect(await verify([path])).toMatchObject({ verdict: 'truncated', last: { sequence: 4 } });
    }));

  it('goes on in another file where lockstep.yaml names one', () =>
    withDirectory(async (directory) => {
      const { path } = placesIn(directory);
      await writeEvents(directory, 'a');
      await startWriter(directory, { path: `${directory}/other.log` }).append(eventOf('b'));
      expect(await verify([path, `${directory}/other.log`])).toMatchObject({ verdict: 'intact', lines: 3 });
    }));
});
