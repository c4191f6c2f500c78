import { appendFile, copyFile, link, lutimes, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { compareManifests } from '../../../../src/host/files/manifestComparison.js';
import { isStillProven, readCompleteManifest, type ManifestEntry } from '../../../../src/host/files/manifestEntry.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { readManifest, writeManifest, type ManifestProgress } from '../../../../src/host/files/manifest.js';

let root = '';
let source = '';
let target = '';
const old = new Date('2025-03-01T12:00:00.123Z');

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'manifest-'));
  [source, target] = [join(root, 'source'), join(root, 'target')];
  for (const directory of [source, target]) {
    await mkdir(join(directory, 'base'), { recursive: true });
    await writeFile(join(directory, 'base/1'), 'one');
    await writeFile(join(directory, 'base/2'), 'two'.repeat(500_000));
    await link(join(directory, 'base/2'), join(directory, 'base/3'));
    await symlink('base/1', join(directory, 'current'));
    for (const name of ['base/1', 'base/2']) await utimes(join(directory, name), old, old);
    await lutimes(join(directory, 'current'), old, old);
  }
});
afterEach(() => rm(root, { recursive: true, force: true }));

const write = (directory: string, more: Partial<Parameters<typeof writeManifest>[0]> = {}) =>
  writeManifest({ directory, file: join(root, `${directory === source ? 'source' : 'target'}.manifest`), state: 'frozen', ...more });
const compare = () => compareManifests({ source: join(root, 'source.manifest'), target: join(root, 'target.manifest') });
const read = async (file: string) => {
  const entries: ManifestEntry[] = [];
  for await (const entry of readCompleteManifest({ file })) entries.push(entry);
  return entries;
};
/** As if the proof was made long after the files were last touched. */
const age = async (file: string) => {
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll(/"provenAtNs":"(\d+)"/g, (_, at: string) => `"provenAtNs":"${BigInt(at) + 3_600_000_000_000n}"`));
};

describe('a manifest', () => {
  it('is equal for equal directories, whatever their size on disk', async () => {
    const [left, right] = [await write(source), await write(target)];
    expect(left.digest).toBe(right.digest);
    expect(left).toMatchObject({ entries: 6, files: 3, sizeBytes: 1_500_003, bytes: 1_500_003, bytesRead: 1_500_003 });
    expect(await compare()).toMatchObject({ equal: true, missing: [], extra: [], different: [] });
  });

  it('names the first of a link group and reads its content once', async () => {
    const { file } = await write(source);
    const entries = await read(file);
    expect(entries.map(({ path, linkedTo, linkTarget }) => [path, linkedTo, linkTarget])).toEqual([
      ['.', null, null],
      ['base', null, null],
      ['base/1', null, null],
      ['base/2', null, null],
      ['base/3', 'base/2', null],
      ['current', null, 'base/1'],
    ]);
    expect(entries[2]?.sha256).toBe('7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
    expect(entries[4]?.sha256).toBe(entries[3]?.sha256);
  });

  it.each<[string, () => Promise<unknown>, object]>([
    ['a flipped byte of the same size and time', async () => {
      await writeFile(join(target, 'base/1'), 'onE');
      await utimes(join(target, 'base/1'), old, old);
    }, { different: [{ path: 'base/1', fields: ['sha256'] }] }],
    ['a missing file', () => rm(join(target, 'base/1')), { missing: ['base/1'] }],
    ['an extra file', () => writeFile(join(target, 'base/10'), ''), { extra: ['base/10'] }],
    ['a broken hard link', async () => {
      await copyFile(join(target, 'base/3'), join(target, 'base/3.copy'));
      await rename(join(target, 'base/3.copy'), join(target, 'base/3'));
      await utimes(join(target, 'base/3'), old, old);
    }, { different: [{ path: 'base/3', fields: ['linkedTo'] }] }],
    ['another time', () => utimes(join(target, 'base/1'), old, new Date(old.getTime() + 1)), { different: [{ path: 'base/1', fields: ['mtimeNs'] }] }],
    ['another link target', async () => {
      await rm(join(target, 'current'));
      await symlink('base/2', join(target, 'current'));
      await lutimes(join(target, 'current'), old, old);
    }, { different: [{ path: 'current', fields: ['linkTarget'] }] }],
  ])('shows %s', async (_, spoil, expected) => {
    await spoil();
    const [left, right] = [await write(source), await write(target)];
    expect(left.digest).not.toBe(right.digest);
    expect(await compare()).toMatchObject({ equal: false, ...expected });
  });

  it('names only the first of many', async () => {
    for (let index = 100; index < 150; index++) await writeFile(join(target, `base/${index}`), '');
    await write(source);
    await write(target);
    const comparison = await compare();
    expect(comparison.extraCount).toBe(50);
    expect(comparison.extra).toHaveLength(20);
  });

  it('is not trusted when cut off or altered', async () => {
    const { file } = await write(source);
    await write(target);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.slice(0, text.lastIndexOf('{"summary"')));
    await expect(compare()).rejects.toThrow(/is not complete/);
    await writeFile(file, text.replace('"uid":0', '"uid":7').replace(/"uid":[1-9]\d*,/, '"uid":8,'));
    await expect(compare()).rejects.toThrow(/was changed after it was written/);
  });
});

describe('a manifest made again', () => {
  it('reads nothing that was proven and has not changed', async () => {
    const { file, digest } = await write(source);
    await age(file);
    await appendFile(join(source, 'base/1'), '!');
    await utimes(join(source, 'base/1'), old, old);
    const again = await write(source);
    expect(again).toMatchObject({ bytes: 1_500_004, bytesRead: 4 });
    expect(again.digest).not.toBe(digest);
  });

  it('reads again what was touched within the clock\'s granularity of its proof', async () => {
    await write(source);
    expect(await write(source)).toMatchObject({ bytesRead: 1_500_003 });
  });

  it('goes on where a killed attempt stopped, however often it is killed', async () => {
    const { file } = await write(source);
    await age(file);
    const text = await readFile(file, 'utf8');
    await rm(file);
    const cut = text.indexOf('"path":"base/3"');
    await writeFile(`${file}.partial`, text.slice(0, cut));
    const stop = new AbortController();
    await expect(write(source, { signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow(/abort/i);
    expect(await write(source)).toMatchObject({ bytesRead: 0, bytes: 1_500_003 });
    await expect(stat(`${file}.previous`)).rejects.toThrow(/ENOENT/);
    await expect(stat(`${file}.partial`)).rejects.toThrow(/ENOENT/);
  });

  describe('within a file that is larger than a piece', () => {
    const mebibyte = 1024 * 1024;
    const readAfterMs = 3_600_000;
    beforeEach(async () => {
      await rm(join(source, 'base/3'));
      await writeFile(join(source, 'base/2'), randomBytes(8 * mebibyte + 5));
      await utimes(join(source, 'base/2'), old, old);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + readAfterMs });
    });
    afterEach(() => vi.useRealTimers());
    /** Ends the making as soon as so much has been read. */
    const killAfter = async (bytes: number): Promise<void> => {
      const kill = new AbortController();
      await expect(write(source, { signal: kill.signal, onProgress: ({ bytesRead }) => bytesRead > bytes && kill.abort() })).rejects.toThrow(/abort/i);
    };
    const entryOf = async (path: string) => (await read(join(root, 'source.manifest'))).find((entry) => entry.path === path);

    it('has the digest that its documentation tells to make by hand', async () => {
      await write(source);
      const { stdout } = await createRun()('sh', ['-c', `split --bytes=2M --filter=sha256sum '${join(source, 'base/2')}' | sha256sum`]);
      expect(await entryOf('base/2')).toMatchObject({ sha256: /[0-9a-f]{64}/.exec(stdout)?.[0], pieceBytes: 2 * mebibyte });
      expect(await entryOf('base/1')).toMatchObject({ pieceBytes: null });
    });

    it('goes on at the piece that it was killed in, however often', async () => {
      const { digest } = await write(source);
      await rm(join(root, 'source.manifest'));
      await killAfter(3 * mebibyte);
      await killAfter(1 * mebibyte);
      const again = await write(source);
      expect(again.digest).toBe(digest);
      expect(again.bytes).toBe(8 * mebibyte + 8);
      expect(again.bytesRead).toBe(2 * mebibyte + 5);
      await expect(stat(join(root, 'source.manifest.pieces'))).rejects.toThrow(/ENOENT/);
    });

    it('passes over a piece whose line was cut off', async () => {
      await killAfter(3 * mebibyte);
      const pieces = join(root, 'source.manifest.pieces');
      await writeFile(pieces, (await readFile(pieces, 'utf8')).slice(0, -20));
      expect((await write(source)).bytesRead).toBe(6 * mebibyte + 5);
    });

    it('takes no piece and no digest of a version that divided files differently', async () => {
      const divided = async (file: string) => writeFile(file, (await readFile(file, 'utf8')).replaceAll(`"pieceBytes":${2 * mebibyte}`, `"pieceBytes":${mebibyte}`));
      await killAfter(3 * mebibyte);
      await divided(join(root, 'source.manifest.pieces'));
      const { file, digest, bytesRead } = await write(source);
      expect(bytesRead).toBe(8 * mebibyte + 5);
      await divided(file);
      // Killed while it makes up for that, it goes on from there all the same.
      await killAfter(3 * mebibyte);
      const again = await write(source);
      expect(again).toMatchObject({ digest, bytesRead: 4 * mebibyte + 5 });
      expect(await entryOf('base/2')).toMatchObject({ pieceBytes: 2 * mebibyte });
      // What is not larger than a piece is proven by its content alone.
      await writeFile(file, (await readFile(file, 'utf8')).replaceAll('"pieceBytes":null', `"pieceBytes":${mebibyte}`));
      expect((await write(source)).bytesRead).toBe(3);
    });

    it('reads all of it again where it was changed in between, and where it was touched just before', async () => {
      await killAfter(3 * mebibyte);
      vi.setSystemTime(Date.now() + readAfterMs);
      await utimes(join(source, 'base/2'), old, new Date(old.getTime() + 1));
      const { bytesRead } = await write(source);
      expect(bytesRead).toBe(8 * mebibyte + 5);
      await rm(join(root, 'source.manifest'));
      vi.useRealTimers();
      await killAfter(3 * mebibyte);
      expect((await write(source)).bytesRead).toBe(8 * mebibyte + 8);
    });
  });

  it('uses a proof only when everything fits and lies clearly before it', () => {
    const proven = { size: 3n, mtimeNs: 1_000n, ctimeNs: 2_000n, ino: 5n };
    const granularity = 2_000_000_000n;
    const entry = (provenAtNs: bigint) =>
      ({ sizeBytes: 3, mtimeNs: '1000', sha256: 'x', proof: { inode: '5', ctimeNs: '2000', provenAtNs: String(provenAtNs) } }) as ManifestEntry;
    const asStats = (stats: typeof proven) => stats as unknown as Parameters<typeof isStillProven>[1];
    expect(isStillProven(entry(2_000n + granularity + 1n), asStats(proven))).toBe(true);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2_000n + granularity }), (provenAtNs) => !isStillProven(entry(provenAtNs), asStats(proven))),
    );
    fc.assert(
      fc.property(fc.constantFrom('size', 'mtimeNs', 'ctimeNs', 'ino'), fc.bigInt({ min: 1n, max: 10n ** 9n }), (field, by) =>
        !isStillProven(entry(10n ** 12n), asStats({ ...proven, [field]: proven[field as 'size'] + by })),
      ),
    );
  });
});

describe('a directory in use', () => {
  const largeFile = () => writeFile(join(source, 'base/2'), Buffer.alloc(8 * 1024 * 1024));
  /** Writes to the large file as soon as the first of its bytes have been read. */
  const disturb = () => {
    let writing: Promise<void> | undefined;
    return {
      onProgress: ({ bytesRead }: ManifestProgress) => {
        if (bytesRead > 1024 * 1024) writing ??= appendFile(join(source, 'base/2'), 'more');
      },
      end: async () => writing,
    };
  };

  it('gives no digest to what changes while it is read, and no equality', async () => {
    await largeFile();
    const { onProgress, end } = disturb();
    const { file } = await write(source, { state: 'live', onProgress });
    await end();
    const entry = (await read(file)).find(({ path }) => path === 'base/2');
    expect(entry).toMatchObject({ sha256: null, proof: null });
    await copyFile(file, join(root, 'target.manifest'));
    expect(await compare()).toMatchObject({ equal: false, differentCount: 2 });
  });

  it('is a failure where it was said to be frozen', async () => {
    await largeFile();
    const { onProgress, end } = disturb();
    await expect(write(source, { onProgress })).rejects.toThrow(/base\/2 changed while it was read/);
    await end();
  });

  it('leaves out what is excluded', async () => {
    const paths: string[] = [];
    for await (const { path } of readManifest({ directory: source, state: 'live', exclude: ['base'] })) paths.push(path);
    expect(paths).toEqual(['.', 'current']);
  });
});
