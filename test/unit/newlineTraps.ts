/** What has been taken for a passphrase, or has spoilt one, and what becomes of it: the same bytes, or the reason why not. */
export const newlineTraps: readonly (readonly [what: string, given: Uint8Array, becomes: Uint8Array | string])[] = [
  ['a newline at its end', bytes('correct horse\n'), bytes('correct horse')],
  ['no newline', bytes('correct horse'), bytes('correct horse')],
  ['a carriage return and a newline', bytes('correct horse\r\n'), 'has a carriage return in it, which nobody can type at a prompt'],
  ['two newlines', bytes('correct horse\n\n'), 'has more than one line'],
  ['a newline at its beginning', bytes('\ncorrect horse\n'), 'has more than one line'],
  ['nothing', bytes(''), 'is empty'],
  ['a newline alone', bytes('\n'), 'is empty'],
  ['spaces around it', bytes('  correct  horse \t\n'), bytes('  correct  horse \t')],
  ['spaces alone', bytes('   \n'), bytes('   ')],
  ['quotes, a backslash and a dollar', bytes(`"it's" \\n $HOME \`id\`\n`), bytes(`"it's" \\n $HOME \`id\``)],
  ['composed and decomposed letters, as they are', bytes('\u00fc u\u0308 \u{1f510}\n'), bytes('\u00fc u\u0308 \u{1f510}')],
  ['a byte order mark', bytes('\ufeffcorrect horse\n'), bytes('\ufeffcorrect horse')],
  ['512 bytes', bytes(`${'ü'.repeat(256)}\n`), bytes('ü'.repeat(256))],
  ['513 bytes', bytes(`${'ü'.repeat(256)}x\n`), 'is 513 bytes long (limit 512)'],
  ['a NUL', bytes('correct\0horse\n'), 'has a NUL byte in it, where some tools would end it'],
];

/** The same as it is typed at a prompt, or sent in JSON: the client takes the newline that ends the line for the end. */
export const typedTraps = newlineTraps.map(([what, given, becomes]) => [what, Buffer.from(given).toString().replace(/\n$/, ''), becomes] as const);

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}
