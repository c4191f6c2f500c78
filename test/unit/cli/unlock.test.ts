import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { beforeAll, expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.js';
import { assertRoot, withDirectory } from '../needsRoot.js';
import { fakeSession } from './fakeSession.js';

beforeAll(() => assertRoot('the configuration has to belong to root'));

test('a passphrase is typed on the host that is named, and on no other', () =>
  withDirectory(async (directory) => {
    const config = `${directory}/lockstep.yaml`;
    await writeFile(config, 'host: db1\n', { mode: 0o640 });
    const unlock = createProgram(fakeSession().session, '0.0.0').parseAsync(['unlock', '--host', 'db2', '--config', config], { from: 'user' });
    await expect(unlock).rejects.toMatchObject({ exitCode: 2, message: `this host is db1 (${config}), not db2; type the passphrase on db2 itself` });
  }));

test.each(['--from-sheet', '--from-shares'])('the first line of a pipe is not sent as the passphrase with %s', (option) =>
  withDirectory(async (directory) => {
    const config = `${directory}/lockstep.yaml`;
    await writeFile(config, `host: db1\nstateDirectory: ${directory}\n`, { mode: 0o640 });
    const stdin = process.stdin;
    Object.defineProperty(process, 'stdin', { value: Readable.from(['footgear debit deskwork 7Q2\n']), configurable: true });
    try {
      const unlock = createProgram(fakeSession().session, '0.0.0').parseAsync(['unlock', option, '--config', config], { from: 'user' });
      await expect(unlock).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(`^${option} asks for one line after another`) as unknown });
    } finally {
      Object.defineProperty(process, 'stdin', { value: stdin, configurable: true });
    }
  }));
