import { expect, test } from 'vitest';
import { commandFor, renderQuestion } from '../../../../src/cli/present/questionLines.js';
import { plainTheme } from '../../../../src/cli/present/theme.js';
import { configSchema } from '../../../../src/config/schema.js';
import { completePeople } from '../../config/people.js';
import { at, gate } from './fixtures.js';

test.each([
  [gate, 'go', 'lockstep go final-backup'],
  [gate, 'no-go', 'lockstep no-go final-backup --reason "…"'],
  [{ id: 'copy.failed.1', kind: 'parked', reasonFor: ['skip', 'rollback'] }, 'retry', 'lockstep retry copy.failed.1'],
  [{ id: 'copy.failed.1', kind: 'parked', reasonFor: ['skip', 'rollback'] }, 'rollback', 'lockstep decide copy.failed.1 rollback --reason "…"'],
  [{ id: 'window', kind: 'wait', reasonFor: [] }, 'now', 'lockstep decide window now'],
  [{ id: 'format.secret.1', kind: 'secret', reasonFor: ['unavailable'] }, 'provided', 'lockstep unlock'],
  [{ id: 'format.secret.1', kind: 'secret', reasonFor: ['unavailable'] }, 'unavailable', 'lockstep decide format.secret.1 unavailable --reason "…"'],
] as const)('%o is answered with %s by its command', (question, answer, command) => {
  expect(commandFor(question, answer)).toBe(command);
});

test('the flags that named the host are repeated', () => {
  expect(commandFor(gate, 'go', ' --host db2')).toBe('lockstep go final-backup --host db2');
});

test('a gate for several people says who has agreed', () => {
  const lines = renderQuestion({ ...gate, people: 2, agreed: ['ann'] }, { width: 80, now: new Date(at(70)), theme: plainTheme });
  expect(lines.join(' ').replaceAll(/[┃\s]+/g, ' ')).toContain('2 different people must agree; so far: ann. The next one answers as another user, or with --by NAME');
});

test('a question that answers itself says when and with what', () => {
  const lines = renderQuestion({ ...gate, until: { at: at(600), answer: 'no-go' } }, { width: 80, now: new Date(at(70)), theme: plainTheme });
  expect(lines).toContain('┃ answers itself with "no-go" at 2030-05-04T02:10:00.000Z');
});

const secret = { ...gate, id: 'format.secret.1', kind: 'secret', secret: 'operationalPassphrase', title: 'the operational passphrase, to open pg-data-encrypted', evidence: [], choices: ['provided', 'unavailable'], reasonFor: ['unavailable'] } as const;

test.each([
  ['recoveryPassphrase', {}, true],
  ['newRecoveryPassphrase', {}, true],
  ['newRecoveryPassphrase', { isNewSecret: true }, false],
  ['operationalPassphrase', {}, false],
])('%s %o can be typed from paper: %s', (name, different, expected) => {
  const lines = renderQuestion({ ...secret, secret: name, ...different }, { width: 80, theme: plainTheme, now: new Date(secret.openedAt), flags: ' --host db2' }).map((line) => line.replaceAll(/ +/g, ' '));
  const paper = ['┃ from its sheet lockstep unlock --from-sheet --host db2', '┃ from shares lockstep unlock --from-shares --host db2'];
  expect(lines.filter((line) => line.includes('--from-'))).toEqual(expected ? paper : []);
});

test('a question for a secret says who can answer and where it is kept, on the host where that is known', () => {
  const { people } = configSchema.parse({ host: 'db1', people: completePeople });
  const view = { width: 80, now: new Date(at(70)), theme: plainTheme };
  expect(renderQuestion(secret, { ...view, people })).toEqual([
    '┃ the operational passphrase, to open pg-data-encrypted                open 10 s',
    '┃   who can answer  first, +49 1, Sat 04:01 there',
    '┃                   second, second@example.com',
    '┃   kept in         1Password vault "SuperSync Production", entry "SuperSync',
    '┃                   LUKS Operational Key"',
    '┃   type it      lockstep unlock',
    '┃   unavailable  lockstep decide format.secret.1 unavailable --reason "…"',
  ]);
  expect(renderQuestion(secret, view).join()).not.toContain('who can answer');
  expect(renderQuestion(gate, { ...view, people })).toEqual(renderQuestion(gate, view));
});

test('a deadline is told by the time that is left, and after it by the time that has passed', () => {
  const shown = (seconds: number) => renderQuestion({ ...gate, dueAt: at(3600) }, { width: 80, now: new Date(at(seconds)), theme: plainTheme });
  expect(shown(1200)).toContain('┃ due 2030-05-04 03:00 UTC (in 40 min 00 s)');
  expect(shown(3600 + 7500)).toContain('┃ OVERDUE since 2030-05-04 03:00 UTC (2 h 05 min)');
});
