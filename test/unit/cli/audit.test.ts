import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { auditExitCodes } from '../../../src/cli/audit.js';
import { explainEnd } from '../../../src/cli/exit.js';
import { createProgram } from '../../../src/cli/program.js';
import { auditPositionPath } from '../../../src/host/audit/auditPosition.js';
import { editLines, eventOf, forge, startWriter } from '../host/audit/logs.js';
import { assertRoot, withDirectory } from '../needsRoot.js';
import { fakeSession } from './fakeSession.js';

beforeAll(() => assertRoot('the audit log is given to the group adm'));

async function verify(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly words: string; readonly said: string }> {
  const { session, said } = fakeSession();
  const end = await createProgram(session, '0.0.0')
    .parseAsync(['node', 'lockstep', 'audit', 'verify', ...args])
    .then(() => ({ exitCode: 0 }), explainEnd);
  return { exitCode: end.exitCode, words: 'words' in end ? end.words : '', said: said.join('\n') };
}

/** A host whose log has three files, the oldest packed. */
async function createHost(directory: string) {
  const [path, config, stateDirectory] = [`${directory}/luks-audit.log`, `${directory}/lockstep.yaml`, `${directory}/state`];
  await writeFile(config, `host: db1\nstateDirectory: ${stateDirectory}\nauditLog: ${path}\n`, { mode: 0o600 });
  const log = startWriter(directory, { path, positionPath: auditPositionPath({ stateDirectory }) });
  await log.append(eventOf('a'));
  await writeFile(`${path}.2.gz`, gzipSync(await readFile(path)));
  await rm(path);
  await log.append(eventOf('b'));
  await rename(path, `${path}.1`);
  await log.append(eventOf('c'));
  return { path, config: ['--config', config] as const, chain: (await readFile(path, 'utf8')).slice(-33, -1) };
}

test('the configured log is verified with its rotated files, in order', () =>
  withDirectory(async (directory) => {
    const { path, config, chain } = await createHost(directory);
    expect(await verify(...config)).toEqual({
      exitCode: 0,
      words: '',
      said: [
        'INTACT',
        `  files    ${path}.2.gz  1 line`,
        `           ${path}.1  2 lines`,
        `           ${path}  2 lines`,
        '  lines    5',
        '  from     2024-01-15T10:23:45Z  seq=1',
        '  to       2024-01-15T10:23:45Z  seq=5',
        `  chain    ${chain}`,
        "  anchors  none but the worker's own note, which is no safer than the log: see",
        '           --anchors',
      ].join('\n'),
    });
  }));

test('files are verified where there is no lockstep.yaml', () =>
  withDirectory(async (directory) => {
    const { path } = await createHost(directory);
    const none = ['--config', `${directory}/none.yaml`];
    const end = await verify(path, `${path}.2.gz`, `${path}.1`, ...none);
    expect(end).toMatchObject({ exitCode: 0, said: expect.stringContaining('  anchors  none: see --anchors') as unknown });
    expect((await verify(...none)).words).toContain('or name the files of the log');
  }));

test('each verdict has its own exit status', () =>
  withDirectory(async (directory) => {
    const { path, config } = await createHost(directory);
    const anchors = `${directory}/anchors`;
    const chain = (await readFile(path, 'utf8')).split('\n')[0]?.slice(-32) ?? '';
    const written = await readFile(path);
    await writeFile(anchors, `2024-01-15T10:24:00Z db1 4 ${chain}\n`);
    const anchored = () => verify(...config, '--anchors', anchors);
    expect(await anchored()).toMatchObject({ exitCode: 0, said: expect.stringContaining('  anchors  1 agrees') as unknown });

    await editLines(path, (lines) => lines.map((line) => line.replace('Zoë', 'Tim')));
    expect(await anchored()).toMatchObject({ exitCode: auditExitCodes.altered, words: expect.stringContaining('keep its files as they are') as unknown });

    await writeFile(path, '');
    const cut = await anchored();
    expect(cut.exitCode).toBe(auditExitCodes.truncated);
    expect(cut.said.replaceAll(/\s+/g, ' ')).toContain("the log ends with seq=3, but the worker's own note of its last event knows a line with seq=5");

    for (const file of ['.1', '.2.gz']) await rm(`${path}${file}`);
    await writeFile(path, forge(['a', 'b', 'c', 'd', 'e'].map((id) => eventOf(id, 'mallory'))));
    expect((await anchored()).exitCode).toBe(auditExitCodes['anchor mismatch']);

    await writeFile(path, 'root:x:0:0\n');
    expect((await anchored()).exitCode).toBe(auditExitCodes['not an audit log']);

    await writeFile(path, written);
    await writeFile(`${path}.1.gz`, gzipSync(written).subarray(0, 30));
    expect(await anchored()).toMatchObject({ exitCode: 1, words: expect.stringContaining(`${path}.1.gz can not be unpacked (Z_BUF_ERROR)`) as unknown });
    expect((await verify(directory)).words).toContain('is a directory');
    expect(await verify(`${directory}/none`)).toMatchObject({ exitCode: 1, words: `${directory}/none does not exist; name a file that does` });
    expect(new Set(Object.values(auditExitCodes)).size).toBe(5);
  }));

test('a past that was removed with its files is missed where an anchor of the last twelve months knows it', () =>
  withDirectory(async (directory) => {
    const { path, config, chain } = await createHost(directory);
    const anchors = `${directory}/anchors`;
    await writeFile(anchors, `${new Date(Date.now() - 86_400_000).toISOString()} db1 1 ${chain}\n`);
    for (const file of ['.1', '.2.gz']) await rm(`${path}${file}`);
    const cut = await verify(...config, '--anchors', anchors);
    expect(cut.exitCode).toBe(auditExitCodes.truncated);
    expect(cut.said.replaceAll(/\s+/g, ' ')).toContain('the log begins with seq=4, but the anchor that db1 sent');
    expect(await verify(path, '--anchors', anchors, ...config)).toMatchObject({ exitCode: 0, said: expect.stringContaining('1 older than these files') as unknown });
  }));

test('a run record is an anchor', () =>
  withDirectory(async (directory) => {
    const { config, chain } = await createHost(directory);
    const record = `${directory}/record.json`;
    const write = (text: string) => writeFile(record, JSON.stringify({ host: 'db1', endedAt: '2024-01-15T10:24:00Z', auditLog: { sequence: 5, chain: text } }));
    await write(chain);
    expect(await verify(...config, '--record', record)).toMatchObject({ exitCode: 0 });
    await write('0'.repeat(32));
    expect(await verify(...config, '--record', record)).toMatchObject({ exitCode: auditExitCodes['anchor mismatch'] });
  }));

test('anchors of other hosts do not count, and it has to be clear whose do', () =>
  withDirectory(async (directory) => {
    const { path, config, chain } = await createHost(directory);
    const files = [`${path}.2.gz`, `${path}.1`, path, '--config', `${directory}/none.yaml`];
    const anchors = `${directory}/anchors`;
    await writeFile(anchors, `2024-01-15T10:24:00Z db1 5 ${chain}\n2024-01-15T10:24:00Z db2 9 ${chain}\nnone\n`);
    const unclear = await verify(...files, '--anchors', anchors);
    expect(unclear).toMatchObject({ exitCode: 2, words: 'the anchors are of several hosts (db1, db2); say with --host whose log this is' });
    expect(unclear.said).toBe(`${anchors}: line 3 is no anchor and does not count`);
    expect((await verify(...files, '--anchors', anchors, '--host', 'db1')).exitCode).toBe(0);
    expect((await verify(...config, '--anchors', anchors)).exitCode).toBe(0);
    expect((await verify(...files, '--anchors', anchors, '--host', 'db2')).exitCode).toBe(auditExitCodes.truncated);
    expect((await verify(...files, '--anchors', anchors, '--host', 'db3')).words).toContain('no anchor is of db3, but of db1, db2');
  }));

test('as JSON it is the report, and the exit status the same', () =>
  withDirectory(async (directory) => {
    const { path, config, chain } = await createHost(directory);
    const { said } = await verify(...config, '--json');
    expect(JSON.parse(said)).toMatchObject({ verdict: 'intact', lines: 5, last: { sequence: 5, chain }, findings: [], anchors: { agreeing: 0, olderThanFiles: 0 } });
    await editLines(path, ([one = '']) => [one]);
    const end = await verify(...config, '--json');
    expect(end.exitCode).toBe(auditExitCodes.truncated);
    expect(JSON.parse(end.said)).toMatchObject({ verdict: 'truncated', findings: [{ kind: 'truncated' }] });
  }));

test('there is nothing to verify before the first event', () =>
  withDirectory(async (directory) => {
    await mkdir(`${directory}/state`);
    await writeFile(`${directory}/lockstep.yaml`, `host: db1\nauditLog: ${directory}/audit.log\nstateDirectory: ${directory}/state\n`, { mode: 0o600 });
    expect(await verify('--config', `${directory}/lockstep.yaml`)).toMatchObject({ exitCode: 1, words: expect.stringContaining('there is no audit log') as unknown });
  }));
