import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { giveSecret } from '../../../src/cli/secretClient.js';
import { listenForSecrets } from '../../../src/worker/secretSocket.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-secrets-'));
});
afterEach(() => rm(directory, { recursive: true }));

const request = { question: 'format.secret.1', secret: 'operationalPassphrase', value: 'horse', by: 'ann' };

test('what is given at one end arrives at the other', async () => {
  const path = join(directory, 'secrets.sock');
  const given: string[] = [];
  const socket = await listenForSecrets({
    path,
    vault: { give: (name, { value }) => void given.push(`${name}=${value.toString()}`) },
    assertMayTake: () => Promise.resolve(),
    onGiven: () => Promise.resolve(),
  });
  await giveSecret(path, request);
  await socket.close();
  expect(given).toEqual(['operationalPassphrase=horse']);
});

test("the worker's refusal is the command's", async () => {
  const path = join(directory, 'secrets.sock');
  const socket = await listenForSecrets({
    path,
    vault: { give: () => undefined },
    assertMayTake: () => Promise.resolve(),
    onGiven: () => Promise.reject(new Error('no run holds this host')),
  });
  await expect(giveSecret(path, request)).rejects.toMatchObject({ exitCode: 3, message: 'the worker did not take it: no run holds this host' });
  await socket.close();
});

test('without a worker it says where secrets are typed', async () => {
  await expect(giveSecret(join(directory, 'secrets.sock'), request)).rejects.toMatchObject({ exitCode: 4 });
});
