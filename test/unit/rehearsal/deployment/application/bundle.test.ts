import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bundleApplication } from '../../../../../src/rehearsal/deployment/application/bundle.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-bundle-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it('is one file that runs alone, without a database, and stops within two seconds', async () => {
  const file = join(directory, 'supersync-server.cjs');
  await bundleApplication(file);
  const environment = { DATABASE_URL: 'postgres://supersync@127.0.0.1:9/supersync', TOKEN_SECRET: 'for a test', PORT: '0' };
  const application = execa(process.execPath, [file], { cwd: directory, env: environment, extendEnv: false });
  await new Promise((resolve) => application.stdout.once('data', resolve));
  const askedAt = Date.now();
  application.kill('SIGTERM');
  const { stdout, stderr } = await application;
  expect(Date.now() - askedAt).toBeLessThan(2_000);
  expect(stdout).toMatch(/INFO listening on port 0\n.* INFO stopping on SIGTERM$/);
  expect(stderr).toBe('');
});
