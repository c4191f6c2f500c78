import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { NotTaken, reasonOf } from '../../../../src/host/channels/channel.js';
import { createChannels } from '../../../../src/host/channels/channels.js';
import { createUnattendedSecretReader } from '../../../../src/host/channels/unattendedSecret.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { startWebhookSink } from '../../../alertSinks.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { newlineTraps } from '../../newlineTraps.js';

beforeAll(() => assertRoot('a secret file has to belong to root'));

const never = new AbortController().signal;
const run = createRun();

/** The same secret, by each way that needs no person. */
async function waysTo(directory: string, content: Uint8Array) {
  const [file, credentials] = [`${directory}/secret`, `${directory}/credentials`];
  await mkdir(credentials, { recursive: true });
  await writeFile(file, content, { mode: 0o600 });
  await writeFile(`${credentials}/secret`, content);
  await chmod(`${credentials}/secret`, 0o400);
  const read = createUnattendedSecretReader({ run, credentialsDirectory: credentials });
  return [`file:${file}`, 'systemd-credential:secret', { exec: ['cat', file], timeoutSeconds: 30 }].map((reference) => () => read(reference, never));
}

test.each(newlineTraps)('%s comes through every way byte for byte, or is refused with the reason', (_, given, becomes) =>
  withDirectory(async (directory) => {
    for (const read of await waysTo(directory, given)) {
      if (typeof becomes === 'string') await expect(read()).rejects.toThrow(becomes);
      else expect(await read()).toEqual(Buffer.from(becomes));
    }
  }));

test('what would have to be typed, and what systemd did not give, is told', async () => {
  const read = createUnattendedSecretReader({ run });
  await expect(read('ask:', never)).rejects.toThrow('would have to be typed');
  await expect(read('systemd-credential:mail', never)).rejects.toThrow('systemd gave this worker no credentials');
});

test('a program that fails says how, and nothing of what it was given or has printed', async () => {
  const read = createUnattendedSecretReader({ run });
  const failure = await read({ exec: ['sh', '-c', 'echo canary; exit 3', 'canary'], timeoutSeconds: 5 }, never).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(NotTaken);
  expect(reasonOf(failure)).toBe('can not be asked: sh, which is to print a secret, exited with status 3; run it as root with the environment of the worker to see what it says');
  expect(await read({ exec: ['/nowhere/op', 'canary'], timeoutSeconds: 5 }, never).catch((error: unknown) => error)).toBeInstanceOf(PermanentFailure);
});

test('a program that hangs ends with the worker', async () => {
  const ending = new AbortController();
  setTimeout(() => ending.abort(), 200);
  const began = performance.now();
  await expect(createUnattendedSecretReader({ run })({ exec: ['sleep', '20'], timeoutSeconds: 30 }, ending.signal)).rejects.toThrow('was cancelled');
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('a channel takes its secrets from a program and from systemd, and is named by neither', () =>
  withDirectory(async (directory) => {
    const sink = await startWebhookSink();
    await writeFile(`${directory}/token`, 'canary-token\n');
    await chmod(`${directory}/token`, 0o400);
    const url = { exec: ['printf', '%s', `${sink.url}/services/canary`], timeoutSeconds: 30 };
    const [channel] = createChannels([{ kind: 'webhook', url, bearerToken: 'systemd-credential:token' }], { credentialsDirectory: directory });
    expect(channel?.name).toBe('webhook (printed by printf)');
    await channel?.send({ id: 'a', subject: 's', text: 't', data: {} }, never);
    expect(sink.requests).toMatchObject([{ path: '/services/canary', headers: { authorization: 'Bearer canary-token' } }]);
    await sink.close();
  }));
