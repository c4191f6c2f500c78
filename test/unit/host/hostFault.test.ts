import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PermanentFailure } from '../../../src/contract/errors.js';
import { explainHostFault } from '../../../src/host/hostFault.js';
import { CommandFailed } from '../../../src/host/processes/runner.js';

test('a full disk is told with its place and the next move', async () => {
  const full = await open('/dev/full', 'w');
  const error = await full.write('x').catch((thrown: unknown) => thrown);
  await full.close();
  const explained = explainHostFault(error, '/var/backups/supersync');
  expect(explained).toBeInstanceOf(PermanentFailure);
  expect(explained).toMatchObject({ message: 'the filesystem of /var/backups/supersync is full (ENOSPC); free room there (df -h /var/backups/supersync), then retry' });
});

test('a fault of a disk is permanent, with the path that the error itself carries', () => {
  const fault = (code: string) => explainHostFault(Object.assign(new Error(code), { code, path: '/srv/x' }));
  for (const code of ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']) {
    expect(fault(code)).toBeInstanceOf(PermanentFailure);
    expect(fault(code)).toMatchObject({ message: expect.stringMatching(/\/srv\/x.*; .*retry/) as unknown });
  }
});

test('Docker that does not run is waited for, and named', () => {
  const stderr = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?';
  const explained = explainHostFault(new CommandFailed('docker', 1, 'exited with status 1', { stdout: '', stderr }));
  expect(explained).not.toBeInstanceOf(PermanentFailure);
  expect(explained).toMatchObject({ message: expect.stringMatching(/Docker does not answer.*systemctl start docker/) as unknown });
});

test('anything else is given back as it is', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'host-fault-'));
  const missing = await readFile(join(directory, 'absent')).catch((thrown: unknown) => thrown);
  expect(explainHostFault(missing)).toBe(missing);
  const own = new PermanentFailure('a fact', 'a move');
  expect(explainHostFault(own)).toBe(own);
  await rm(directory, { recursive: true });
  await expect(stat(directory)).rejects.toThrow();
});
