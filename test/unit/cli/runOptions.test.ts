import { Command } from 'commander';
import { expect, test, vi } from 'vitest';
import { readRunOptions, withRunOptions } from '../../../src/cli/runOptions.js';
import { runbookNamed } from '../../../src/cli/runbooks.js';

/** What a command line says to a runbook. */
function typed(runbook: string, ...args: readonly string[]): unknown {
  const command = withRunOptions(new Command('start').exitOverride().configureOutput({ writeErr: () => undefined }));
  return readRunOptions(runbookNamed(runbook), command.parse([...args], { from: 'user' }).opts());
}

test.each([
  ['2026-03-01T02:15Z', '2026-03-01T02:15:00.000Z'],
  ['2026-03-01t02:15:30z', '2026-03-01T02:15:30.000Z'],
  ['2026-03-01 02:15+01:00', '2026-03-01T01:15:00.000Z'],
  ['2026-03-01 02:15', new Date(2026, 2, 1, 2, 15).toISOString()],
])('a time written as %s is %s', (text, awareSince) => {
  expect(typed('respondToCompromise', '--aware-since', text)).toEqual({ awareSince });
});

test.each(['yesterday', '2026-02-30 10:00', '2026-03-01', '02:15', '2026-03-01 25:00', ''])('"%s" is no time, and is refused with how one is written', (text) => {
  expect(() => typed('respondToCompromise', '--aware-since', text)).toThrow('such as "2026-03-01 02:15"');
});

test('a time that has not come yet is refused', () => {
  vi.useFakeTimers({ now: new Date('2026-03-01T02:14:00Z') });
  expect(() => typed('respondToCompromise', '--aware-since', '2026-03-01T02:15Z')).toThrow('2026-03-01 02:15 UTC has not come yet');
  vi.useRealTimers();
});

test('a runbook is told which options it takes', () => {
  expect(() => typed('migrate', '--aware-since', '2026-03-01T02:15Z')).toThrow('migrate takes no --aware-since; it takes none of these options');
  expect(() => typed('rotateKey', '--size-gib', '3')).toThrow('it takes --keys, --reason, --emergency, --leak, --aware-since');
});
