import { Readable } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { createProgram } from '../../../../src/cli/program.js';
import { fakeSession } from '../fakeSession.js';

const words = 'footgear debit deskwork civil hug crafter rule zero';
const stdin = process.stdin;

afterEach(() => {
  Object.defineProperty(process, 'stdin', { value: stdin, configurable: true });
  vi.restoreAllMocks();
});

/** Types a command whose input is a pipe. @returns Everything that it wrote, and how it ended. */
async function type(screen: boolean, ...args: readonly string[]): Promise<{ readonly written: string; readonly end: unknown }> {
  const { session, said } = fakeSession();
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(`${words}\n`)]), configurable: true });
  const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const terminal = { ...session.terminal, height: () => (screen ? 24 : undefined) };
  const end = await createProgram({ ...session, terminal }, '0.0.0').parseAsync([...args], { from: 'user' }).then(() => undefined, (error: unknown) => error);
  return { written: [...said, ...printed.mock.calls.map(([text]) => String(text))].join('\n'), end };
}

test.each([['passphrase'], ['recovery-sheet'], ['recovery-sheet', '--generate', '--format', 'text'], ['split-recovery'], ['combine-shares']])('%s %s leaves no secret on a screen', async (...command) => {
  const { written, end } = await type(true, ...command);
  expect(end).toMatchObject({ exitCode: 3, message: expect.stringMatching(/^the (passphrase|recovery passphrase|sheet) would stay on this screen/) as unknown });
  expect(written).not.toMatch(/footgear|<html|\b[a-z]+ [a-z]+ [a-z]+ [a-z]+ [a-z]+ [a-z]+ [a-z]+ [a-z]+$/m);
});

test.each([
  ['passphrase', /^(\S+ ){7}\S+$/m],
  ['recovery-sheet', /footgear debit deskwork/],
] as const)('%s goes into a pipe', async (command, secret) => {
  const { written, end } = await type(false, command);
  expect(end).toBeUndefined();
  expect(written).toMatch(secret);
});
