import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NotTaken } from '../../../../src/host/channels/channel.js';
import { createSmtpChannel, type SmtpSettings } from '../../../../src/host/channels/smtp.js';
import { createUnattendedSecretReader } from '../../../../src/host/channels/unattendedSecret.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { makeCertificate, startMailSink, type MailSink, type MailSinkSettings } from '../../../alertSinks.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';

beforeAll(() => assertRoot('a secret file has to belong to root'));

const message = { id: 'run-1/copy-data/do/1/ALERT/parked', subject: 'db1: copy-data is parked — look', text: 'Größe: 3 GiB\ntype "lockstep status"', data: {} };
const never = new AbortController().signal;
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function startSink(settings: MailSinkSettings = {}): Promise<MailSink> {
  const sink = await startMailSink(settings);
  closing.push(sink.close);
  return sink;
}

function channelTo({ port }: { port: number }, more: Partial<SmtpSettings> = {}, timeoutSeconds?: number) {
  const settings: SmtpSettings = { kind: 'smtp', host: '127.0.0.1', port, security: 'none', from: 'lockstep@example.org', to: ['ops@example.org', 'dba@example.org'], ...more };
  return createSmtpChannel(settings, { readSecret: createUnattendedSecretReader({ run: createRun() }), ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) });
}

const refusal = async (sending: Promise<unknown>): Promise<string> => {
  const error = await sending.then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NotTaken);
  return (error as NotTaken).message;
};

describe('mail', () => {
  it('arrives with its words, its recipients, and the same id in every repetition', async () => {
    const sink = await startSink();
    const channel = channelTo(sink);
    expect(channel.name).toBe(`mail (127.0.0.1:${sink.port})`);
    expect(await channel.send(message, never)).toEqual({});
    await channel.send(message, never);
    const [mail, again] = sink.mails;
    expect(mail).toMatchObject({ from: 'lockstep@example.org', to: ['ops@example.org', 'dba@example.org'], text: message.text, isEncrypted: false });
    expect(mail?.headers.get('auto-submitted')).toBe('auto-generated');
    expect(mail?.headers.get('message-id')).toMatch(/^<[0-9a-f]{32}@example\.org>$/);
    expect(again?.headers.get('message-id')).toBe(mail?.headers.get('message-id'));
  });

  it('is encrypted and logged in, with a password from a file, where the authority is named', () =>
    withDirectory(async (directory) => {
      const certificate = await makeCertificate(directory);
      await writeFile(`${directory}/password`, 'canary\n', { mode: 0o600 });
      const login = { user: 'lockstep', password: 'canary' };
      for (const [security, isTls] of [['starttls', false], ['tls', true]] as const) {
        const sink = await startSink({ certificate, isTls, login });
        await channelTo(sink, { security, caFile: certificate.certificatePath, user: 'lockstep', password: `file:${directory}/password` }).send(message, never);
        expect(sink.mails).toMatchObject([{ isEncrypted: true, user: 'lockstep' }]);
      }
    }));

  it('is not sent to a server that nobody vouches for', () =>
    withDirectory(async (directory) => {
      const sink = await startSink({ certificate: await makeCertificate(directory) });
      expect(await refusal(channelTo(sink, { security: 'starttls' }).send(message, never))).toBe('has a certificate that is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT); "caFile" names the authority of a server of your own');
      expect(sink.mails).toEqual([]);
    }));

  it('is not sent to a server whose certificate is of another name', () =>
    withDirectory(async (directory) => {
      const certificate = await makeCertificate(directory, ['DNS:elsewhere.example.org']);
      const sink = await startSink({ certificate });
      expect(await refusal(channelTo(sink, { security: 'starttls', caFile: certificate.certificatePath }).send(message, never))).toBe('has a certificate that is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)');
    }));

  it('is not sent in the clear where encryption was asked for', async () => {
    const sink = await startSink();
    expect(await refusal(channelTo(sink, { security: 'starttls' }).send(message, never))).toBe('does not encrypt in the way that "security" names');
    expect(await refusal(channelTo(sink, { security: 'tls' }).send(message, never))).toBe('does not encrypt in the way that "security" names');
    expect(sink.mails).toEqual([]);
  });

  it('tells why it was refused, and never the password, whatever the server says', () =>
    withDirectory(async (directory) => {
      const certificate = await makeCertificate(directory);
      const sink = await startSink({ certificate, login: { user: 'lockstep', password: 'other' } });
      await writeFile(`${directory}/password`, 'canary\n', { mode: 0o600 });
      const words = await refusal(channelTo(sink, { security: 'starttls', caFile: certificate.certificatePath, user: 'lockstep', password: `file:${directory}/password` }).send(message, never));
      expect(words).toBe('refused the user or the password (535)');
    }));

  it('tells what the server answered', async () => {
    const sink = await startSink({ refuse: () => ({ code: 451, words: 'greylisted, come back later' }) });
    expect(await refusal(channelTo(sink).send(message, never))).toBe('refused the mail: "451 greylisted, come back later"');
    expect(await refusal(channelTo(await startSink({ refused: ['ops@example.org', 'dba@example.org'] })).send(message, never))).toContain('550 no such mailbox here');
  });

  it('is taken where some of the recipients are, with a remark on the others', async () => {
    const sink = await startSink({ refused: ['dba@example.org'] });
    expect(await channelTo(sink).send(message, never)).toEqual({ remark: 'the server refused dba@example.org' });
    expect(sink.mails).toMatchObject([{ to: ['ops@example.org'] }]);
  });

  it('tells of a server that is not there, says nothing, or lets one wait', async () => {
    const sink = await startSink({ delayMilliseconds: 3000 });
    expect(await refusal(channelTo(sink, {}, 0.5).send(message, never))).toMatch(/did not (take the mail within 0\.5 s|answer in time)/);
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    closing.push(() => new Promise((resolve) => silent.close(resolve)));
    expect(await refusal(channelTo(silent.address() as AddressInfo, {}, 0.5).send(message, never))).toMatch(/did not/);
    const gone = await startMailSink();
    await gone.close();
    expect(await refusal(channelTo(gone).send(message, never))).toBe('connection refused');
  });

  it('is given up when the worker ends', async () => {
    const sink = await startSink({ delayMilliseconds: 3000 });
    const ending = new AbortController();
    const sending = channelTo(sink).send(message, ending.signal);
    setTimeout(() => ending.abort(), 300);
    const began = performance.now();
    expect(await refusal(sending)).toBe('was given up');
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('can not begin another header', async () => {
    const sink = await startSink();
    await channelTo(sink).send({ ...message, subject: 'one\r\nBcc: all@example.org' }, never);
    expect(sink.mails[0]?.to).toEqual(['ops@example.org', 'dba@example.org']);
    expect(sink.mails[0]?.headers.has('bcc')).toBe(false);
  });
});
