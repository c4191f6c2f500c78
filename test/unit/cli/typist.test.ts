import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { readSshClient, readTypist } from '../../../src/cli/typist.js';
import { assertRoot, withDirectory } from '../needsRoot.js';

beforeAll(() => assertRoot('the variables of other processes are for root'));

/** Starts a process without variables below one that has these, as sudo does, and looks from there. */
async function lookBelow(variables: Readonly<Record<string, string>>): Promise<string | undefined> {
  const shell = spawn('sh', ['-c', 'env -i sleep 60 & echo $!; read -r over; kill $!'], { env: { PATH: process.env['PATH'], ...variables }, stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [pid] = (await once(shell.stdout, 'data')) as [Buffer];
    return await readSshClient(Number(pid.toString()));
  } finally {
    shell.stdin.end('\n');
    await once(shell, 'exit');
  }
}

test('the address of SSH is found above a sudo that drops it', async () => {
  expect(await lookBelow({ SSH_CONNECTION: '192.0.2.7 50212 192.0.2.1 22' })).toBe('192.0.2.7');
  expect(await lookBelow({ SSH_CLIENT: '2001:db8::1 50212 22' })).toBe('2001:db8::1');
});

test('the nearest counts, and nobody comes from anywhere on a console', () =>
  withDirectory(async (directory) => {
    const put = async (processId: number, parent: number, environ: string) => {
      await mkdir(`${directory}/${processId}`);
      await writeFile(`${directory}/${processId}/environ`, environ);
      await writeFile(`${directory}/${processId}/status`, `Name:\tsh\nPid:\t${processId}\nPPid:\t${parent}\n`);
    };
    await put(30, 20, 'TERM=xterm\0XSSH_CONNECTION=192.0.2.1 1\0');
    await put(20, 10, 'SSH_CONNECTION=192.0.2.20 1 192.0.2.1 22\0');
    await put(10, 1, 'SSH_CONNECTION=192.0.2.10 1 192.0.2.1 22\0');
    await put(1, 0, 'HOME=/\0');
    await put(40, 1, 'SSH_CONNECTION=\0');
    expect(await readSshClient(30, directory)).toBe('192.0.2.20');
    expect(await readSshClient(40, directory)).toBeUndefined();
    expect(await readSshClient(50, directory)).toBeUndefined();
  }));

test('what the environment says counts before what is found elsewhere', async () => {
  expect(await readTypist({ person: 'ann', sshFrom: '192.0.2.7' })).toEqual({ by: 'ann', from: '192.0.2.7' });
});
