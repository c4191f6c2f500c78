import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectClient, localServer, readServerSettings } from '../../../src/worker/connection.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-connection-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('the profile that the temporal program keeps is used', async () => {
  const file = join(directory, 'temporal.toml');
  await writeFile(file, '[profile.default]\naddress = "temporal.example:7233"\nnamespace = "ops"\n');
  expect(readServerSettings(file)).toMatchObject({ address: 'temporal.example:7233', namespace: 'ops' });
});

test('a file that is named and missing is an error, not the default server', () => {
  const file = join(directory, 'no-such.toml');
  expect(() => readServerSettings(file)).toThrow(`TEMPORAL_CONFIG_FILE names ${file}, which does not exist`);
});

test('a server that is away is told in plain words', async () => {
  await expect(connectClient(localServer(1), 1)).rejects.toThrow(/no Temporal server answers at 127\.0\.0\.1:1 .*lockstep up/);
});
