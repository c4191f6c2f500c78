import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { readRotatedPaths } from '../../../src/host/audit/auditFiles.js';
import { eventOf, placesIn, startWriter, verify } from '../host/audit/logs.js';
import { assertRoot, withDirectory } from '../needsRoot.js';

const shipped = new URL('../../../deploy/logrotate.d/lockstep', import.meta.url);
const execute = promisify(execFile);

beforeAll(async () => {
  assertRoot('logrotate gives the files to root and adm');
  await execute('logrotate', ['--version']).catch(() => {
    throw new Error('these tests need logrotate; scripts/setup --tests installs it');
  });
});

/** Rotates a log by the shipped settings, as if its month were over. */
async function rotate(directory: string, extra = ''): Promise<void> {
  const settings = (await readFile(shipped, 'utf8')).replace('/var/log/luks-audit.log {', `${placesIn(directory).path} {`);
  const file = `${directory}/settings`;
  await writeFile(file, settings.replace(/\}\s*$/, `${extra}\n}\n`), { mode: 0o644 });
  await execute('logrotate', ['--force', '--state', `${directory}/state`, file]);
}

test('real rotations by the shipped settings lose nothing, with the writer open across them', () =>
  withDirectory(async (directory) => {
    const { path } = placesIn(directory);
    const log = startWriter(directory);
    for (const id of ['a', 'b', 'c']) {
      await log.append(eventOf(id));
      await rotate(directory);
      expect(await log.append(eventOf(id))).toBe(false);
    }
    await startWriter(directory).append(eventOf('d'));
    const rotated = await readRotatedPaths(path);
    expect([...rotated].sort().map((file) => file.slice(path.length))).toEqual(['.1', '.2.gz', '.3.gz']);
    expect(await verify([path, ...rotated])).toMatchObject({ verdict: 'intact', lines: 7, first: { sequence: 1 }, last: { sequence: 7 }, notes: [] });
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  }));

test('thirteen rotated files are kept, and an empty log is not rotated', () =>
  withDirectory(async (directory) => {
    const { path } = placesIn(directory);
    const log = startWriter(directory);
    for (let month = 1; month <= 15; month += 1) {
      await log.append(eventOf(`month ${month}`));
      await rotate(directory);
    }
    await rotate(directory);
    const rotated = await readRotatedPaths(path);
    expect(rotated).toHaveLength(13);
    expect(await verify([path, ...rotated])).toMatchObject({ verdict: 'intact', first: { sequence: 4 }, last: { sequence: 29 } });
  }));

test('what copytruncate does instead is in the log', () =>
  withDirectory(async (directory) => {
    const { path } = placesIn(directory);
    const log = startWriter(directory);
    await log.append(eventOf('a'));
    await rotate(directory, 'nocreate\ncopytruncate');
    await log.append(eventOf('b'));
    expect(await readFile(path, 'utf8')).toContain('] AUDIT_LOG_TRUNCATED by lockstep previousSequence=1 ');
    expect((await verify([path])).verdict).toBe('truncated');
    expect(await verify([path, `${path}.1`])).toMatchObject({ verdict: 'intact', notes: [expect.stringContaining('without copytruncate')] });
  }));
