import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { readSecretLine, validateSecret } from '../../../src/cli/askSecret.js';
import { newlineTraps, typedTraps } from '../newlineTraps.js';

test.each(newlineTraps)('a pipe with %s: its first line, byte for byte', async (_, given) => {
  const line = await readSecretLine(Readable.from([Buffer.from(given)]));
  expect(line.toString('hex')).toBe(Buffer.from(given).toString('hex').replace(/(^|(?<=^(?:..)+))0a.*/, ''));
});

test('letters that arrive in pieces are put together again', async () => {
  const pieces = [...Buffer.from('ü \u{1f510}\n')].map((byte) => Buffer.of(byte));
  expect((await readSecretLine(Readable.from(pieces))).toString()).toBe('ü \u{1f510}');
});

test('the end of the input is not waited for', async () => {
  const input = new PassThrough();
  input.write('typed\n');
  expect((await readSecretLine(input)).toString()).toBe('typed');
});

test.each(typedTraps)('at a prompt, %s', (_, value, becomes) => {
  expect(validateSecret(value)).toBe(typeof becomes === 'string' ? `It ${becomes}.` : true);
});
