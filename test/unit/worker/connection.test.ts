import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectClient, localServer, readServerSettings } from '../../../src/worker/connection.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-connection-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

test('the profile that the temporal program keeps is used', async () => {
  const file = join(directory, 'temporal.toml');
  await writeFile(file, '[profile.default]\naddress = "temporal.example:7233"\nnamespace = "ops"\n');
  expect(readServerSettings({ temporalConfigFile: file })).toMatchObject({ address: 'temporal.example:7233', namespace: 'ops' });
});

test('a file that is named and missing is an error, not the default server', () => {
  const file = join(directory, 'no-such.toml');
  expect(() => readServerSettings({ temporalConfigFile: file })).toThrow(`TEMPORAL_CONFIG_FILE names ${file}, which does not exist`);
});

test('a file of TLS that is missing is told with its variable', () => {
  const file = join(directory, 'client.pem');
  const temporalTlsFiles = { TEMPORAL_TLS_CLIENT_CERT_PATH: file };
  vi.stubEnv('TEMPORAL_TLS_CLIENT_CERT_PATH', file);
  expect(() => readServerSettings({ temporalTlsFiles })).toThrow(`TEMPORAL_TLS_CLIENT_CERT_PATH names ${file}, which does not exist; mend the path or unset the variable`);
});

test.each([
  ['no TOML', 'api_key = "secret"\nx = [\n', /: Invalid TOML document: [^\n]*, line \d; mend /],
  ['a file of TLS that is missing', '[profile.default.tls]\nclient_cert_path = "/no/client.pem"\n', /: ENOENT: .*\/no\/client\.pem'; mend /],
])('profiles that can not be used, %s, are told with their file, and not quoted', async (_, text, words) => {
  const file = join(directory, 'temporal.toml');
  await writeFile(file, text);
  const read = () => readServerSettings({ temporalConfigFile: file });
  expect(read).toThrow(words);
  expect(read).toThrow(`mend ${file}, which TEMPORAL_CONFIG_FILE names`);
  expect(read).not.toThrow(/secret/);
});

test('a server that is away is told in plain words', async () => {
  await expect(connectClient(localServer(1), 1)).rejects.toThrow(/no Temporal server answers at 127\.0\.0\.1:1 .*lockstep up/);
});
