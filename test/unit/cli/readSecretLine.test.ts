import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { readPipedSecret, readSecretLine } from '../../../src/cli/readSecretLine.js';
import { newlineTraps } from '../newlineTraps.js';

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

test.each([
  ['secret\n', 'secret'],
  ['secret', 'secret'],
  ['  blanks at both ends  \n', '  blanks at both ends  '],
  ['secret\nnotes below it\n', 'secret'],
  [`"quotes" and 'quotes'\n`, `"quotes" and 'quotes'`],
  ['\u{FEFF}caf\u0065\u0301\n', '\u{FEFF}caf\u0065\u0301'],
  [`${'é'.repeat(256)}\n`, 'é'.repeat(256)],
])('%j is a secret as it is', async (text, value) => {
  expect(await readPipedSecret(Readable.from([Buffer.from(text)]))).toBe(value);
});

test.each([
  [Buffer.from('\n'), 'it is empty'],
  [Buffer.from('hunter2\r\n'), 'it has a carriage return in it'],
  [Buffer.from(`${'h'.repeat(513)}\n`), 'it is 513 bytes long (limit 512'],
  [Buffer.of(0x68, 0xff, 0x0a), 'it is not written in UTF-8'],
])('what is no secret is refused with the reason', async (bytes, reason) => {
  const refused: unknown = await readPipedSecret(Readable.from([bytes])).catch((error: unknown) => error);
  expect(refused).toMatchObject({ exitCode: 2 });
  expect(String(refused)).toContain(`the first line of standard input is no secret: ${reason}`);
  expect(String(refused)).not.toContain('hunter2');
});
