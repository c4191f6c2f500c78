import { expect, test } from 'vitest';
import { readSecretLine } from '../../../src/cli/readSecretLine.js';

async function* pipe(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

test.each([
  ['secret\n', 'secret'],
  ['secret', 'secret'],
  ['  blanks at both ends  \n', '  blanks at both ends  '],
  ['secret\nnotes below it\n', 'secret'],
  [`"quotes" and 'quotes'\n`, `"quotes" and 'quotes'`],
  ['\u{FEFF}caf\u0065\u0301\n', '\u{FEFF}caf\u0065\u0301'],
  [`${'é'.repeat(256)}\n`, 'é'.repeat(256)],
])('%j is read as it is', async (text, value) => {
  expect(await readSecretLine(pipe(Buffer.from(text)))).toBe(value);
});

test('a character that comes in two pieces is one', async () => {
  const bytes = Buffer.from('café\n');
  expect(await readSecretLine(pipe(bytes.subarray(0, 4), bytes.subarray(4)))).toBe('café');
});

test.each([
  [Buffer.from('\n'), 'it is empty'],
  [Buffer.from('hunter2\r\n'), 'it has a carriage return in it'],
  [Buffer.from(`${'h'.repeat(513)}\n`), 'it is 513 bytes long (limit 512'],
  [Buffer.of(0x68, 0xff, 0x0a), 'it is not written in UTF-8'],
])('what is no secret is refused with the reason', async (bytes, reason) => {
  const refused: unknown = await readSecretLine(pipe(bytes)).catch((error: unknown) => error);
  expect(refused).toMatchObject({ exitCode: 2 });
  expect(String(refused)).toContain(`the first line of standard input is no secret: ${reason}`);
  expect(String(refused)).not.toContain('hunter2');
});
