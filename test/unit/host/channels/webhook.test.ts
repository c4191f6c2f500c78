import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { reasonOf } from '../../../../src/host/channels/channel.js';
import { createUnattendedSecretReader } from '../../../../src/host/channels/unattendedSecret.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { createWebhookChannel, type WebhookSettings } from '../../../../src/host/channels/webhook.js';
import { createRequest } from '../../../../src/host/http.js';
import { makeCertificate, startWebhookSink, type WebhookSink, type WebhookSinkSettings } from '../../../alertSinks.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';

beforeAll(() => assertRoot('a secret file has to belong to root'));

const message = { id: 'a', subject: 's', text: 't', data: { id: 'a', subject: 's', text: 'größer\nals' } };
const never = new AbortController().signal;
const open: WebhookSink[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ close }) => close()));
});

async function startSink(settings: WebhookSinkSettings = {}): Promise<WebhookSink> {
  const sink = await startWebhookSink(settings);
  open.push(sink);
  return sink;
}

function channelTo(url: string, more: Partial<WebhookSettings> = {}, timeoutSeconds = 10) {
  return createWebhookChannel({ kind: 'webhook', url, ...more }, { readSecret: createUnattendedSecretReader({ run: createRun() }), request: createRequest(), timeoutSeconds });
}

const refusal = (sending: Promise<unknown>): Promise<unknown> => sending.then((taken) => taken, reasonOf);

describe('a webhook', () => {
  it('gets the data as JSON, with secrets in its headers', () =>
    withDirectory(async (directory) => {
      await writeFile(`${directory}/token`, 'canary-token\n', { mode: 0o600 });
      await writeFile(`${directory}/key`, 'canary-key\n', { mode: 0o600 });
      const sink = await startSink();
      await channelTo(`${sink.url}/hook`, { bearerToken: `file:${directory}/token`, headers: { 'X-Key': `file:${directory}/key` } }).send(message, never);
      expect(sink.requests).toMatchObject([
        { method: 'POST', path: '/hook', body: message.data, headers: { 'content-type': 'application/json', authorization: 'Bearer canary-token', 'x-key': 'canary-key' } },
      ]);
    }));

  it('may have an address that is itself the secret, and is never named by it', () =>
    withDirectory(async (directory) => {
      const sink = await startSink({ status: () => 500 });
      await writeFile(`${directory}/address`, `${sink.url}/services/canary\n`, { mode: 0o600 });
      const channel = channelTo(`file:${directory}/address`);
      expect(channel.name).toBe(`webhook (${directory}/address)`);
      expect(await refusal(channel.send(message, never))).toBe('answered with status 500');
      expect(sink.requests[0]?.path).toBe('/services/canary');
      await writeFile(`${directory}/address`, 'canary\n');
      expect(await refusal(channel.send(message, never))).toBe(`can not be asked: ${directory}/address does not hold a URL that begins with https:// or http://`);
    }));

  it.each([200, 202, 204])('takes it with status %d', async (status) => {
    expect(await channelTo((await startSink({ status: () => status })).url).send(message, never)).toEqual({});
  });

  it.each([301, 401, 429, 503])('does not take it with status %d', async (status) => {
    expect(await refusal(channelTo((await startSink({ status: () => status })).url).send(message, never))).toBe(`answered with status ${status}`);
  });

  it('trusts the authority that is named, and no other', () =>
    withDirectory(async (directory) => {
      const certificate = await makeCertificate(directory);
      const sink = await startSink({ certificate });
      expect(await refusal(channelTo(`${sink.url}/hook`).send(message, never))).toBe('could not be reached (DEPTH_ZERO_SELF_SIGNED_CERT)');
      await writeFile(`${directory}/token`, 'canary-token\n', { mode: 0o600 });
      const trusting = { caFile: certificate.certificatePath, bearerToken: `file:${directory}/token` };
      expect(await channelTo(`${sink.url}/hook`, trusting).send(message, never)).toEqual({});
      expect(sink.requests).toMatchObject([{ method: 'POST', path: '/hook', body: message.data, headers: { 'content-type': 'application/json', authorization: 'Bearer canary-token' } }]);
      await mkdir(`${directory}/other`);
      const other = await makeCertificate(`${directory}/other`);
      expect(await refusal(channelTo(sink.url, { caFile: other.certificatePath }).send(message, never))).toMatch(/^could not be reached \(\w+\)$/);
      expect(await refusal(channelTo(sink.url, { caFile: `${directory}/none.pem` }).send(message, never))).toBe(`can not be asked: the certificate of its authority, ${directory}/none.pem, can not be read`);
      expect(sink.requests).toHaveLength(1);
    }));

  it.each([200, 204, 301, 500])('of an own authority answers with status %d, and in time', (status) =>
    withDirectory(async (directory) => {
      const certificate = await makeCertificate(directory);
      const [sink, slow] = [await startSink({ certificate, status: () => status }), await startSink({ certificate, delayMilliseconds: 3000 })];
      const trusting = { caFile: certificate.certificatePath };
      expect(await refusal(channelTo(sink.url, trusting).send(message, never))).toEqual(status < 300 ? {} : `answered with status ${status}`);
      expect(await refusal(channelTo(slow.url, trusting, 0.3).send(message, never))).toBe('gave no complete answer within 0.3 s');
    }));

  it('is not waited for without end', async () => {
    const sink = await startSink({ delayMilliseconds: 3000 });
    expect(await refusal(channelTo(sink.url, {}, 0.3).send(message, never))).toBe('gave no complete answer within 0.3 s');
  });

  it('is named by its host alone, also where it is not there', async () => {
    const sink = await startWebhookSink();
    await sink.close();
    const channel = channelTo(`${sink.url}/services/canary`);
    expect(channel.name).toBe(`webhook (127.0.0.1:${sink.port})`);
    expect(await refusal(channel.send(message, never))).toBe('could not be reached (ECONNREFUSED)');
  });

  it('is not called without the secret that it needs', () =>
    withDirectory(async (directory) => {
      const sink = await startSink();
      await writeFile(`${directory}/token`, 'canary\n', { mode: 0o644 });
      expect(await refusal(channelTo(sink.url, { bearerToken: `file:${directory}/token` }).send(message, never))).toContain('has mode 0644, not 0600 or 0400');
      expect(sink.requests).toEqual([]);
    }));
});
