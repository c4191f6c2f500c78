import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { assertAes256Xts, createCryptsetup, weaknessOf, WrongPassphrase, type LuksHeader } from '../../../../src/host/luks/cryptsetup.js';
import { parseHeader } from '../../../../src/host/luks/luksHeader.js';
import { createRun, type Run } from '../../../../src/host/processes/runner.js';
import { createFakeRun } from '../../fakeRun.js';

const argon2id = { memoryKiB: 32, parallel: 1, iterationMilliseconds: 100 };
const operational = ' eight words, a "quote", ünïcode \\t and $HOME ';
const recovery = 'the recovery passphrase 2';

const fewIterations = ['--pbkdf-force-iterations', '4'];

/** Spares cryptsetup the seconds in which it measures the machine; `canary.test.ts` lets it. */
function withFewIterations(args: readonly string[]): readonly string[] {
  const at = args.indexOf('--iter-time');
  return at < 0 ? args : [...args.slice(0, at), ...fewIterations, ...args.slice(at + 2)];
}

describe('cryptsetup on a file', { timeout: 60_000 }, () => {
  let directory = '';
  let device = '';
  const commands: string[] = [];
  const real = createRun();
  const run: Run = (file, args, options) => {
    commands.push([file, ...args].join(' '));
    return real(file, withFewIterations(args), options);
  };
  const cryptsetup = createCryptsetup({ run });

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cryptsetup-'));
    device = join(directory, 'volume.img');
    await writeFile(device, '');
    await truncate(device, 32 * 1024 * 1024);
    await cryptsetup.format({ device, passphrase: operational, label: 'practice', argon2id });
    await cryptsetup.addKey({ device, existing: operational, added: recovery, slot: 1, argon2id });
  }, 60_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('formats with AES-256-XTS and Argon2id', async () => {
    const header = await cryptsetup.readHeader({ device });
    expect(header).toMatchObject({ cipher: 'aes-xts-plain64', keySizeBits: 512, reencrypting: false, requirements: [] });
    expect(header.slots).toHaveLength(2);
    expect(header.slots[0]?.kdf).toMatchObject({ type: 'argon2id', memoryKiB: 32, parallel: 1 });
    expect(() => assertAes256Xts({ device, header })).not.toThrow();
    expect(await cryptsetup.isLuks({ device })).toEqual({ isLuks: true });
  });

  it('tells what is no LUKS volume', async () => {
    const plain = join(directory, 'plain');
    await writeFile(plain, 'no header here'.repeat(1000));
    expect(await cryptsetup.isLuks({ device: plain })).toEqual({ isLuks: false });
    await expect(cryptsetup.readHeader({ device: plain })).rejects.toThrow(/has no LUKS2 header/);
    await expect(cryptsetup.isLuks({ device: join(directory, 'absent') })).rejects.toThrow();
  });

  it('keeps every byte of a passphrase, as typed at a prompt', async () => {
    expect(await cryptsetup.testPassphrase({ device, passphrase: operational })).toEqual({ matches: true, slot: 0 });
    expect(await cryptsetup.testPassphrase({ device, passphrase: operational.trim() })).toEqual({ matches: false });
    expect(() => execFileSync('cryptsetup', ['open', '--test-passphrase', device], { input: `${operational}\n`, stdio: 'pipe' })).not.toThrow();
    expect(() => execFileSync('cryptsetup', ['open', '--test-passphrase', device], { input: `${recovery}\n`, stdio: 'pipe' })).not.toThrow();
  });

  it('tells slots apart', async () => {
    expect(await cryptsetup.testPassphrase({ device, passphrase: recovery })).toEqual({ matches: true, slot: 1 });
    expect(await cryptsetup.testPassphrase({ device, passphrase: recovery, slot: 0 })).toEqual({ matches: false });
    expect(await cryptsetup.testPassphrase({ device, passphrase: recovery, slot: 7 })).toEqual({ matches: false });
  });

  it('names a wrong passphrase and a taken slot when adding', async () => {
    await expect(cryptsetup.addKey({ device, existing: 'wrong', added: 'third', slot: 2, argon2id })).rejects.toThrow(WrongPassphrase);
    await expect(cryptsetup.addKey({ device, existing: recovery, added: 'third', slot: 0, argon2id })).rejects.toThrow(/slot 0 .* already holds a key/);
  });

  it('refuses to format over a header', async () => {
    await expect(cryptsetup.format({ device, passphrase: operational, label: 'again', argon2id })).rejects.toThrow(PermanentFailure);
    expect(await cryptsetup.testPassphrase({ device, passphrase: operational })).toEqual({ matches: true, slot: 0 });
  });

  it('keeps roles in tokens, once', async () => {
    expect(await cryptsetup.addRoleToken({ device, slot: 1, role: 'recovery', runName: 'db1/migrate' })).toMatchObject({ changed: true });
    expect(await cryptsetup.addRoleToken({ device, slot: 1, role: 'recovery', runName: 'db1/migrate' })).toMatchObject({ changed: false });
    await expect(cryptsetup.addRoleToken({ device, slot: 1, role: 'operational', runName: 'x' })).rejects.toThrow(/already has the role recovery/);
    await expect(cryptsetup.addRoleToken({ device, slot: 9, role: 'operational', runName: 'x' })).rejects.toThrow(/no key in slot 9/);
    const roles = await cryptsetup.readRoles({ device });
    expect(roles).toEqual([{ tokenId: expect.any(Number) as number, role: 'recovery', slots: [1], run: 'db1/migrate' }]);
  });

  it('removes a slot by number only while two proven ones remain', async () => {
    await cryptsetup.addKey({ device, existing: operational, added: 'the third passphrase', slot: 2, argon2id });
    const { tokenId } = await cryptsetup.addRoleToken({ device, slot: 2, role: 'operational', runName: 'db1/rotateKey' });
    await expect(cryptsetup.killSlot({ device, slot: 2, provenSlots: [0] })).rejects.toThrow(/leave 1 proven slots/);
    await expect(cryptsetup.killSlot({ device, slot: 2, provenSlots: [0, 2] })).rejects.toThrow(/leave 1 proven slots/);
    await expect(cryptsetup.killSlot({ device, slot: 2, provenSlots: [0, 5] })).rejects.toThrow(/leave 1 proven slots/);
    expect(await cryptsetup.killSlot({ device, slot: 2, provenSlots: [0, 1] })).toEqual({ changed: true });
    expect(await cryptsetup.killSlot({ device, slot: 2, provenSlots: [0, 1] })).toEqual({ changed: false });
    expect(await cryptsetup.testPassphrase({ device, passphrase: 'the third passphrase' })).toEqual({ matches: false });
    expect((await cryptsetup.readRoles({ device })).find((token) => token.tokenId === tokenId)?.slots).toEqual([]);
    expect(await cryptsetup.removeRoleToken({ device, tokenId })).toEqual({ changed: true });
    expect(await cryptsetup.removeRoleToken({ device, tokenId })).toEqual({ changed: false });
  });

  it('does not take a slot for proof that opens nothing', async () => {
    const copy = join(directory, 'unbound.img');
    await copyFile(device, copy);
    const args = ['luksAddKey', '--batch-mode', '--unbound', '--key-size', '512', '--key-slot', '4', '--pbkdf', 'argon2id', '--pbkdf-memory', '32', '--pbkdf-parallel', '1', ...fewIterations, copy];
    execFileSync('cryptsetup', args, { input: 'ghost\n', stdio: 'pipe' });
    expect((await cryptsetup.readHeader({ device: copy })).slots.map(({ slot, opensVolume }) => [slot, opensVolume])).toEqual([[0, true], [1, true], [4, false]]);
    expect(await cryptsetup.testPassphrase({ device: copy, passphrase: 'ghost' })).toEqual({ matches: false });
    expect(await cryptsetup.testPassphrase({ device: copy, passphrase: 'ghost', slot: 4 })).toEqual({ matches: false });
    await expect(cryptsetup.killSlot({ device: copy, slot: 1, provenSlots: [0, 4] })).rejects.toThrow(/leave 1 proven slots/);
    expect(await cryptsetup.killSlot({ device: copy, slot: 4, provenSlots: [0, 1] })).toEqual({ changed: true });
  });

  it('saves the header whole, for root alone, and proves that it opens', async () => {
    const file = join(directory, 'header.backup');
    await writeFile(`${file}.partial`, 'left by an attempt that was killed');
    const backup = await cryptsetup.headerBackup({ device, file });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(backup.sha256).toMatch(/^[0-9a-f]{64}$/);
    await expect(stat(`${file}.partial`)).rejects.toThrow(/ENOENT/);
    expect(await cryptsetup.testHeaderBackup({ device, file, passphrase: recovery })).toEqual({ matches: true, slot: 1 });
    expect(await cryptsetup.testHeaderBackup({ device, file, passphrase: 'wrong' })).toEqual({ matches: false });
    await expect(cryptsetup.headerBackup({ device, file })).rejects.toThrow(/already exists/);
  });

  it('lets no secret near an argument', () => {
    expect(commands.length).toBeGreaterThan(20);
    for (const secret of [operational, recovery, 'third']) {
      expect(commands.filter((command) => command.includes(secret))).toEqual([]);
    }
    expect(commands.filter((command) => command.includes('pbkdf2'))).toEqual([]);
  });
});

describe('a header', () => {
  it('shows a re-encryption under way, with slots for both keys', async () => {
    const header = parseHeader('u', await readFile(join(import.meta.dirname, 'fixtures/luks-reencrypting.json'), 'utf8'));
    expect(header.reencrypting).toBe(true);
    expect(header.requirements).toEqual(['online-reencrypt-v2']);
    expect(header.slots.map((slot) => slot.slot)).toEqual([0, 1, 2, 3]);
    expect(header.slots.every((slot) => slot.opensVolume)).toBe(true);
    expect(header.keySizeBits).toBe(512);
  });

  it.each<[string, (header: LuksHeader) => LuksHeader, RegExp]>([
    ['AES-128', (header) => ({ ...header, slots: header.slots.map((slot) => ({ ...slot, keySizeBits: 256 })) }), /256 bits; AES-256 in XTS takes 512/],
    ['another cipher', (header) => ({ ...header, cipher: 'aes-cbc-essiv:sha256' }), /aes-cbc-essiv/],
    ['no slot', (header) => ({ ...header, slots: [] }), /no key slot/],
  ])('is refused for %s', async (_, spoil, words) => {
    const header = parseHeader('u', await readFile(join(import.meta.dirname, 'fixtures/luks-reencrypting.json'), 'utf8'));
    expect(() => assertAes256Xts({ device: '/v', header: spoil(header) })).toThrow(words);
  });

  it('tells what makes a slot weak, whose data is encrypted as it should be all the same', async () => {
    const header = parseHeader('u', await readFile(join(import.meta.dirname, 'fixtures/luks-reencrypting.json'), 'utf8'));
    const [slot] = header.slots;
    expect(slot && weaknessOf(slot)).toBeUndefined();
    expect(slot && weaknessOf({ ...slot, kdf: { type: 'pbkdf2' } })).toBe('derives its key with pbkdf2, not argon2id');
    expect(slot && weaknessOf({ ...slot, areaKeySizeBits: 256 })).toBe('protects its key with aes-xts-plain64 and 256 bits, not aes-xts-plain64 and 512');
    expect(() => assertAes256Xts({ device: '/v', header: { ...header, slots: header.slots.map((each) => ({ ...each, kdf: { type: 'pbkdf2' } })) } })).not.toThrow();
  });
});

describe('a passphrase', () => {
  it.each([
    ['empty', ''],
    ['too long', 'x'.repeat(513)],
    ['of two lines', 'canary one\ncanary two'],
    ['with a NUL', 'canary\0'],
  ])('that is %s is refused before any command, without being quoted', async (_, passphrase) => {
    const cryptsetup = createCryptsetup({ run: createFakeRun([{ file: 'cryptsetup', args: ['isLuks', '/v'], answer: { exitCode: 1 } }]) });
    const refusal = await cryptsetup.format({ device: '/v', passphrase, label: 'l', argon2id }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(PermanentFailure);
    expect(String(refusal)).not.toContain('canary');
  });
});
