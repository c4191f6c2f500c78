import { expect, test } from 'vitest';
import { createCipherBenchmark, parseCipherRate } from '../../../../src/host/luks/cipherBenchmark.js';
import { createFakeRun } from '../../fakeRun.js';

const args = ['benchmark', '--cipher', 'aes-xts', '--key-size', '512'];
const table = [
  '# Tests are approximate using memory only (no storage IO).',
  '# Algorithm |       Key |      Encryption |      Decryption',
  '    aes-xts        512b      1825.1 MiB/s      1817.9 MiB/s',
  '',
].join('\n');

test('the figures are those of both directions', async () => {
  const benchmark = createCipherBenchmark({ run: createFakeRun([{ file: 'cryptsetup', args, answer: table }]) });
  expect(await benchmark.readCipherRate()).toEqual({ encryptMebibytesPerSecond: 1825.1, decryptMebibytesPerSecond: 1817.9 });
});

test('what cryptsetup could not measure is said, and is no failure', () => {
  expect(parseCipherRate('    aes-xts        512b             N/A             N/A\n')).toHaveProperty('unmeasured');
});

test('another key than that of AES-256-XTS is not taken for it', () => {
  expect(() => parseCipherRate(table.replace('512b', '256b'))).toThrow(/no line of aes-xts with 512 bits/);
});

test('a kernel that lends its ciphers to no program is said, and any other failure is one', async () => {
  const failing = (stderr: string) => createCipherBenchmark({ run: createFakeRun([{ file: 'cryptsetup', args, answer: { exitCode: 1, stderr } }]) }).readCipherRate();
  const words = 'Cipher aes-xts (with 512 bits key) is not available.\nRequired kernel crypto interface not available.\nEnsure you have algif_skcipher kernel module loaded.\n';
  expect(await failing(words)).toEqual({ unmeasured: expect.stringContaining('algif_skcipher') as unknown });
  await expect(failing('Cannot allocate memory.')).rejects.toThrow(/exited with status 1/);
});
