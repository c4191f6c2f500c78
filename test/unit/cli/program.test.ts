import { afterEach, expect, test, vi } from 'vitest';
import { explainEnd } from '../../../src/cli/exit.js';
import { createProgram } from '../../../src/cli/program.js';
import { runbooks } from '../../../src/cli/runbooks.js';
import { fakeSession } from './fakeSession.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Types a command, and gives what was said of it. */
async function type(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly words: string }> {
  const said: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  }
  const program = createProgram(fakeSession().session, '0.0.0');
  const end = await program.parseAsync(['node', 'lockstep', ...args]).then(() => ({ exitCode: 0 }), explainEnd);
  vi.restoreAllMocks();
  return { exitCode: end.exitCode, words: [...said, 'words' in end ? end.words : ''].join('') };
}

const names = 'migrate, rollback, decommissionPlaintext, setupVolume, growVolume, startup, shutdown, rotateKey, emergencyAccess, respondToCompromise';

test('the runbooks are those of the list', () => {
  expect(runbooks.map(({ name }) => name).join(', ')).toBe(names);
});

test.each([
  [['statsu'], "unknown command 'statsu'\n(Did you mean status?)\nsee \"lockstep --help\""],
  [['rollback'], "required option '--reason <text>' not specified\nsee \"lockstep --help\""],
  [['start'], `missing required argument 'runbook'\nthe runbooks are ${names}; see "lockstep start --help"`],
  [['start', 'migrat'], `there is no runbook "migrat"; there are: ${names}`],
  [['watch', 'migrat'], `there is no runbook "migrat"; there are: ${names}`],
  [['status', ''], `there is no runbook ""; there are: ${names}`],
  [['go', 'preflight', '--run', 'x'], `there is no runbook "x"; there are: ${names}`],
  [['rollback', '--reason', ''], '--reason is empty; say why'],
  [['no-go', 'preflight', '--reason', ' '], '--reason is empty; say why'],
  [['go', 'preflight', '--by', ''], '--by is empty; say who decides'],
  [['unlock', '--from-sheet', '--from-shares'], "option '--from-shares' cannot be used with option '--from-sheet'"],
  [['watch', '--by', ''], '--by is empty; say who decides'],
] as const)('%j is refused with what to type', async (args, words) => {
  const end = await type(...args);
  expect(end.exitCode).toBe(2);
  expect(end.words).toContain(words);
});

test('help is asked for in either way', async () => {
  const asked = await type('help', 'start');
  expect(asked).toEqual(await type('start', '--help'));
  expect(asked.exitCode).toBe(0);
  expect(asked.words.replaceAll(/\s+/g, ' ')).toContain(`one of: ${names}`);
});

test.each([['plan'], ['start'], ['rehearse'], ['watch'], ['status'], ['go'], ['unlock'], ['rollback']])('the help of %s names the runbooks', async (command) => {
  expect((await type(command, '--help')).words.replaceAll(/\s+/g, ' ')).toContain(names);
});
