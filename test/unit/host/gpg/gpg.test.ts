import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGpg, decryptStage, encryptForKeysStage, encryptStage, ensureGpgHome, WrongBackupPassphrase } from '../../../../src/host/gpg/gpg.js';
import { readEncryption } from '../../../../src/host/gpg/openpgp.js';
import { createPipeline } from '../../../../src/host/processes/pipeline.js';

const runPipeline = createPipeline();
const gpg = createGpg({ runPipeline });
let directory: string;
let homeDirectory: string;
let plain: string;
let encrypted: string;
const passphrase = 'correct horse: bättery $"\' staple';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-gpg-'));
  homeDirectory = join(directory, 'home');
  plain = join(directory, 'plain');
  encrypted = join(directory, 'plain.gpg');
  await ensureGpgHome(homeDirectory);
  await writeFile(plain, Array.from({ length: 20_000 }, (_, index) => `row ${index} ${Math.sin(index)}\n`).join(''));
  await runPipeline({
    stages: [{ file: 'zstd', args: ['-q', '-c'] }, encryptStage({ passphrase, homeDirectory })],
    input: { path: plain },
    output: { path: encrypted },
  });
});
afterAll(() => rm(directory, { recursive: true }));

/** A copy of the encrypted file with something done to it. */
async function copyWith(name: string, change: (content: Buffer) => Buffer): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, change(await readFile(encrypted)));
  return path;
}

describe('encryption', () => {
  test('is AES-256 with protected integrity, and comes back', async () => {
    expect(await readEncryption(encrypted)).toEqual({ openedBy: 'passphrase', cipher: 'AES256', isIntegrityProtected: true });
    const result = await runPipeline({
      stages: [decryptStage({ passphrase, homeDirectory }), { file: 'zstd', args: ['-q', '-d', '-c'] }],
      input: { path: encrypted },
      output: { path: join(directory, 'back') },
    });
    expect(result.sizeBytes).toBe((await stat(plain)).size);
    expect((await readFile(join(directory, 'back'))).equals(await readFile(plain))).toBe(true);
  });

  test('stretches the passphrase as far as OpenPGP allows', async () => {
    // Version 4, AES256, iterated and salted with SHA512; the octet behind the salt codes 65,011,712.
    const head = await readFile(encrypted);
    expect([...head.subarray(2, 6)]).toEqual([4, 9, 3, 10]);
    expect(head[14]).toBe(0xff);
  });

  test('leaves no agent behind, and no one else may enter its directory', async () => {
    const processes = await execa('ps', ['-eo', 'args']);
    expect(processes.stdout.split('\n').filter((line) => line.includes('agent') && line.includes(homeDirectory))).toEqual([]);
    await expect(access(join(homeDirectory, 'S.gpg-agent'))).rejects.toThrow('ENOENT');
    expect((await stat(homeDirectory)).mode & 0o777).toBe(0o700);
  });

  test('takes a passphrase as long as the volume takes, and refuses one that gpg would cut', async () => {
    const long = 'x'.repeat(511);
    const path = join(directory, 'long.gpg');
    await runPipeline({ stages: [encryptStage({ passphrase: `${long}a`, homeDirectory })], input: { path: plain }, output: { path } });
    await expect(gpg.decryptFully({ path, passphrase: `${long}b`, homeDirectory })).rejects.toThrow(WrongBackupPassphrase);
    expect((await gpg.decryptFully({ path, passphrase: `${long}a`, homeDirectory })).content.sizeBytes).toBe((await stat(plain)).size);
    expect(() => encryptStage({ passphrase: 'a\nb', homeDirectory })).toThrow('choose another');
    expect(() => encryptStage({ passphrase: '', homeDirectory })).toThrow('choose another');
  });

  test('can be for the holder of a private key', { timeout: 30_000 }, async () => {
    const owner = join(directory, 'owner');
    await ensureGpgHome(owner);
    const env = { HOME: owner, GNUPGHOME: owner };
    await execa('gpg', ['--batch', '--passphrase', '', '--quick-generate-key', 'keeper@example.org', 'future-default', 'default'], { env });
    const keyFile = join(directory, 'keeper.pub');
    await execa('gpg', ['--batch', '--output', keyFile, '--export', 'keeper@example.org'], { env });
    const path = join(directory, 'for-keeper.gpg');
    await runPipeline({ stages: [encryptForKeysStage({ publicKeyFiles: [keyFile], homeDirectory })], input: { path: plain }, output: { path } });
    expect(await readEncryption(path)).toMatchObject({ openedBy: 'private key', isIntegrityProtected: true });
    const opened = await execa('gpg', ['--batch', '--decrypt', path], { env });
    expect(opened.stdout).toBe((await readFile(plain, 'utf8')).trimEnd());
    await execa('gpgconf', ['--kill', 'gpg-agent'], { env });
  });
});

describe('a full decryption', () => {
  test('measures the file and what lies in it', async () => {
    const progress: number[] = [];
    const found = await gpg.decryptFully({ path: encrypted, passphrase, homeDirectory, onProgress: (bytes) => progress.push(bytes) });
    const size = (await stat(encrypted)).size;
    expect(found.file).toMatchObject({ sizeBytes: size });
    expect(found.file.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(found.content.sizeBytes).toBeGreaterThan(0);
    expect(progress.at(-1)).toBe(size);
  });

  test('tells a wrong passphrase from a damaged file', async () => {
    await expect(gpg.decryptFully({ path: encrypted, passphrase: 'wrong', homeDirectory })).rejects.toThrow(WrongBackupPassphrase);
  });

  test.each([
    ['cut short', (content: Buffer) => content.subarray(0, content.length - 40), 'was changed or cut'],
    ['cut to its header', (content: Buffer) => content.subarray(0, 40), 'was changed or cut'],
    ['changed in the middle', (content: Buffer) => Buffer.from(content.map((byte, index) => (index === 100_000 ? byte ^ 1 : byte))), 'was changed or cut'],
    ['not encrypted', () => Buffer.from('-- PostgreSQL database dump'), 'is not an encrypted OpenPGP file'],
    ['empty', () => Buffer.alloc(0), 'is not an encrypted OpenPGP file'],
  ])('refuses a file that is %s', async (name, change, message) => {
    const path = await copyWith(name, change);
    await expect(gpg.decryptFully({ path, passphrase, homeDirectory })).rejects.toThrow(message);
  });

  test('refuses what follows the message', async () => {
    const path = await copyWith('with a tail', (content) => Buffer.concat([content, Buffer.from('\x01 tail')]));
    await expect(gpg.decryptFully({ path, passphrase, homeDirectory })).rejects.toThrow();
  });

  test('refuses a message of OpenPGP that is not encrypted, which gpg --decrypt would take', async () => {
    const path = join(directory, 'literal.gpg');
    await execa('gpg', ['--batch', '--homedir', homeDirectory, '--output', path, '--store', plain], { env: { HOME: homeDirectory } });
    expect(await readEncryption(path)).toBeUndefined();
    await expect(gpg.decryptFully({ path, passphrase, homeDirectory })).rejects.toThrow('is not an encrypted OpenPGP file');
  });

  test('lets the failure of a stage behind it through under that stage\'s name', async () => {
    const path = join(directory, 'not-compressed.gpg');
    await runPipeline({ stages: [encryptStage({ passphrase, homeDirectory })], input: { path: plain }, output: { path } });
    const through = [{ file: 'zstd', args: ['-q', '-d', '-c'] }];
    await expect(gpg.decryptFully({ path, passphrase, homeDirectory, through })).rejects.toThrow('zstd exited with status 1');
  });
});
