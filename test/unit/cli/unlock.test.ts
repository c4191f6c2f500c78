import { writeFile } from 'node:fs/promises';
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
