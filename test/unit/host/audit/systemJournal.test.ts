import { expect, test } from 'vitest';
import { createSystemJournal } from '../../../../src/host/audit/systemJournal.js';
import type { Run } from '../../../../src/host/processes/runner.js';
import { createFakeRun, inputOf } from '../../fakeRun.js';

const args = ['--tag', 'luks-audit', '--priority', 'auth.info', '--size', '64KiB', '--socket-errors=on'];
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));

test('lines that come together go to one logger, on its standard input', async () => {
  const run = createFakeRun([{ file: 'logger', args }]);
  const tell = createSystemJournal({ run, gatherMilliseconds: 5, onTrouble: (words) => expect.unreachable(words) });
  tell('[2024-01-15T10:23:45Z] VOLUME_UNLOCK by admin');
  tell('--file=/etc/shadow');
  await settled();
  expect(run.calls.map(inputOf)).toEqual(['[2024-01-15T10:23:45Z] VOLUME_UNLOCK by admin\n--file=/etc/shadow\n']);
});

test('they keep their order where one takes long, and nobody waits for them', async () => {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const run: Run = (file, args, options = {}) => {
    begun.push(inputOf({ file, args, options }));
    return new Promise((resolve) => ends.push(() => resolve({ stdout: '', stderr: '', exitCode: 0 })));
  };
  const tell = createSystemJournal({ run, gatherMilliseconds: 5, onTrouble: (words) => expect.unreachable(words) });
  tell('one');
  await settled();
  tell('two');
  tell('three');
  await settled();
  expect(begun).toEqual(['one\n']);
  ends[0]?.();
  await settled();
  expect(begun).toEqual(['one\n', 'two\nthree\n']);
});

test('a journal that takes no lines is told of once, until it takes one again', async () => {
  let isThere = false;
  const run = createFakeRun([{ file: 'logger', args, answer: () => ({ exitCode: isThere ? 0 : 1 }) }]);
  const told: string[] = [];
  const tell = createSystemJournal({ run, gatherMilliseconds: 5, onTrouble: (words) => void told.push(words) });
  for (const there of [false, false, true, false]) {
    isThere = there;
    tell('a line');
    await settled();
  }
  expect(told).toHaveLength(2);
  expect(told[0]).toBe("the system journal does not take the audit log's lines, which are in the file all the same: logger exited with status 1");
});
