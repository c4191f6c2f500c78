import { execFileSync, spawnSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCryptsetup } from '../../../../src/host/luks/cryptsetup.js';
import { passphraseBytes } from '../../../../src/host/luks/luksPassphrase.js';
import { createRun } from '../../../../src/host/processes/runner.js';

/** The cheapest there is, of this test's own making. */
const cheap = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000'];
const first = 'the first one';

const exact = {
  'with a blank at each end': ' blanks  at both ends ',
  'with quotes': `a "quote", 'another', \\ and $HOME \`id\``,
  'of one space': ' ',
  'in composed Unicode': 'caf\u00e9 \u65e5\u672c',
  'in decomposed Unicode': 'caf\u0065\u0301 \u65e5\u672c',
  'of 512 bytes': 'é'.repeat(256),
};

describe('a passphrase that cryptsetup itself was given as a line', { timeout: 60_000 }, () => {
  let directory = '';
  let device = '';
  const cryptsetup = createCryptsetup({ run: createRun() });
  /** As a person does at cryptsetup's prompt, where a newline ends the passphrase. */
  const openByHand = (line: string) => spawnSync('cryptsetup', ['open', '--test-passphrase', device], { input: `${line}\n` }).status === 0;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'passphrase-'));
    device = join(directory, 'volume.img');
    writeFileSync(device, '');
    truncateSync(device, 32 * 1024 * 1024);
    execFileSync('cryptsetup', ['luksFormat', '--batch-mode', '--type', 'luks2', ...cheap, device], { input: `${first}\n` });
    for (const passphrase of Object.values(exact)) {
      execFileSync('cryptsetup', ['luksAddKey', '--batch-mode', ...cheap, device], { input: `${first}\n${passphrase}\n` });
    }
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each(Object.entries(exact))('%s opens here, and is refused with anything more', async (_, passphrase) => {
    const tell = async (each: string) => (await cryptsetup.testPassphrase({ device, passphrase: each })).matches;
    expect(openByHand(passphrase)).toBe(true);
    expect(await tell(passphrase)).toBe(true);
    if (Buffer.byteLength(passphrase) < 512) expect(await tell(`${passphrase} `)).toBe(false);
    if (passphrase.trim() !== passphrase && passphrase.trim() !== '') expect(await tell(passphrase.trim())).toBe(false);
  });

  it('is another one in the other Unicode form', async () => {
    const composed = 'na\u00efve';
    execFileSync('cryptsetup', ['luksAddKey', '--batch-mode', ...cheap, device], { input: `${first}\n${composed}\n` });
    expect((await cryptsetup.testPassphrase({ device, passphrase: composed })).matches).toBe(true);
    expect((await cryptsetup.testPassphrase({ device, passphrase: composed.normalize('NFD') })).matches).toBe(false);
  });

  it('of 513 bytes is refused here: cryptsetup takes it from a pipe, and nobody could type it at its prompt', async () => {
    await expect(cryptsetup.testPassphrase({ device, passphrase: 'x'.repeat(513) })).rejects.toThrow('a passphrase is 513 bytes long (limit 512');
  });

  it('with a newline at its end is refused here, where cryptsetup would drop it', async () => {
    expect(openByHand(`${first}\n`)).toBe(true);
    await expect(cryptsetup.testPassphrase({ device, passphrase: `${first}\n` })).rejects.toThrow('has more than one line');
  });
});

it('is handed on byte for byte', () => {
  for (const passphrase of Object.values(exact)) expect(Buffer.from(passphraseBytes(passphrase)).toString('utf8')).toBe(passphrase);
  expect(() => passphraseBytes('')).toThrow('a passphrase is empty; choose one that can be typed at a prompt');
});
