import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { readLoginUser } from '../../../src/cli/loginUser.js';
import { createFakeRun } from '../fakeRun.js';
import { withDirectory } from '../needsRoot.js';

async function loginOf(directory: string, loginuid: string): Promise<string | undefined> {
  await mkdir(`${directory}/self`, { recursive: true });
  await writeFile(`${directory}/self/loginuid`, loginuid);
  return readLoginUser({ procDirectory: directory });
}

test('the user who logged in is told by the name that this machine has for the number', () =>
  withDirectory(async (directory) => {
    const [name, , id = ''] = execFileSync('getent', ['passwd', 'daemon'], { encoding: 'utf8' }).split(':');
    expect(await loginOf(directory, id)).toBe(`${name}@${hostname()}`);
    expect(await loginOf(directory, '0\n')).toBe(`root@${hostname()}`);
  }));

test('nobody is told where nobody logged in, where the kernel says nothing, and where the number has no name', () =>
  withDirectory(async (directory) => {
    expect(await readLoginUser({ procDirectory: `${directory}/none` })).toBeUndefined();
    expect(await loginOf(directory, '4294967295')).toBeUndefined();
    expect(await loginOf(directory, '')).toBeUndefined();
    expect(await loginOf(directory, '3999999999')).toBeUndefined();
  }));

test('a machine that has no name service shows no login', () =>
  withDirectory(async (directory) => {
    await mkdir(`${directory}/self`);
    await writeFile(`${directory}/self/loginuid`, '1000');
    const run = createFakeRun([{ file: 'getent', args: ['passwd', '1000'], answer: { exitCode: 127 } }]);
    expect(await readLoginUser({ procDirectory: directory, run })).toBeUndefined();
  }));
