import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commandLine } from '../../../../src/rehearsal/guest/commands.js';

it('brings every argument through a shell as it is', () => {
  const argument = fc.string().filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(argument, { minLength: 1, maxLength: 4 }), (args) => {
      const output = execFileSync('/bin/sh', ['-c', commandLine('printf', ['%s\\0', ...args])], { encoding: 'utf8' });
      expect(output).toBe(args.map((text) => `${text}\0`).join(''));
    }),
    { numRuns: 50 },
  );
});

it('sets variables for the program', () => {
  expect(commandLine('node', ['a.js'], { HOME: '/root' })).toBe(`exec env 'HOME=/root' 'node' 'a.js'`);
});
