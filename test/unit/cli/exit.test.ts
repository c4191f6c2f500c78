import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { explainEnd, noAnswer, refused, wrongUsage } from '../../../src/cli/exit.js';
import { PermanentFailure } from '../../../src/contract/errors.js';

const grpc = (code: number) => new Error('Failed to list', { cause: Object.assign(new Error('grpc'), { code, details: '', metadata: {} }) });

test.each([
  ['a wrong option', new CommanderError(1, 'commander.unknownOption', ''), { exitCode: 2 }],
  ['help that was asked for', new CommanderError(0, 'commander.helpDisplayed', ''), { exitCode: 0 }],
  ['wrong usage', wrongUsage('name one'), { exitCode: 2, words: 'name one' }],
  ['a refusal', refused('not open'), { exitCode: 3, words: 'not open' }],
  ['silence', noAnswer('nobody'), { exitCode: 4, words: 'nobody' }],
  ['a failure with its next move', new PermanentFailure('no file', 'write it'), { exitCode: 1, words: 'no file; write it' }],
  ['anything else', new Error('odd'), { exitCode: 1, words: 'odd' }],
])('%s', (_, error, end) => {
  expect(explainEnd(error)).toEqual(end);
});

test('a server that is away is told from a run that is unknown', () => {
  expect(explainEnd(grpc(14)).exitCode).toBe(4);
  expect(explainEnd(grpc(5))).toMatchObject({ exitCode: 1, words: expect.stringContaining('no such run') as string });
});
