import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import { createRun } from '../src/host/processes/runner.js';

/** A certificate that is its own authority, and its key, as files. */
export interface Certificate {
  readonly certificatePath: string;
  readonly keyPath: string;
}

/**
 * Makes a certificate that nobody but its own file vouches for.
 *
 * @param names - What it stands for: addresses (`IP:127.0.0.1`) and host names (`DNS:localhost`).
 */
export async function makeCertificate(directory: string, names: readonly string[] = ['IP:127.0.0.1', 'DNS:localhost']): Promise<Certificate> {
  const certificate = { certificatePath: join(directory, 'sink.pem'), keyPath: join(directory, 'sink.key') };
  await createRun()('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', '/CN=sink'],
    ...['-addext', `subjectAltName=${names.join(',')}`, '-keyout', certificate.keyPath, '-out', certificate.certificatePath],
  ]);
  return certificate;
}

/** A mail as it came in. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** By name in lower case, unfolded; still encoded where it was. */
  readonly headers: ReadonlyMap<string, string>;
  /** Its text, decoded. */
  readonly text: string;
  readonly isEncrypted: boolean;
  readonly user?: string;
}

/** A mail server that keeps what it gets. */
export interface MailSink {
  readonly port: number;
  readonly mails: readonly ReceivedMail[];
  readonly close: () => Promise<void>;
}

/** How a mail server behaves; all of it may be changed while it runs. */
export interface MailSinkSettings {
  /** Default 127.0.0.1; 0.0.0.0 where a disposable host is to reach it. */
  readonly address?: string;
  readonly port?: number;
  /** With a certificate it offers STARTTLS, or speaks TLS from the first byte. */
  readonly certificate?: Certificate;
  readonly isTls?: boolean;
  /** Whom it lets send; default everybody. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Recipients that it refuses. */
  readonly refused?: readonly string[];
  /** Asked for each mail: what to answer instead of taking it, such as `{ code: 451, words: 'later' }`. */
  readonly refuse?: () => { readonly code: number; readonly words: string } | undefined;
  /** How long it thinks before it takes a mail. */
  readonly delayMilliseconds?: number;
}

/** Starts a real SMTP server on this machine. */
export async function startMailSink(settings: MailSinkSettings = {}): Promise<MailSink> {
  const { certificate, login, refused = [], isTls = false } = settings;
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    secure: isTls,
    authOptional: login === undefined,
    logger: false,
    closeTimeout: 100,
    ...(certificate === undefined ? { hideSTARTTLS: true } : { cert: await readFile(certificate.certificatePath), key: await readFile(certificate.keyPath) }),
    disabledCommands: [...(login === undefined ? ['AUTH'] : []), ...(certificate === undefined ? ['STARTTLS'] : [])],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _, callback) => {
      if (username === login?.user && password === login?.password) callback(null, { user: username });
      // As unwise servers do it: what was typed comes back.
      else callback(Object.assign(new Error(`no such user or password: ${password ?? ''}`), { responseCode: 535 }));
    },
    onRcptTo: ({ address }, _, callback) => callback(refused.includes(address) ? Object.assign(new Error('no such mailbox here'), { responseCode: 550 }) : null),
    onData: (stream, session, callback) => {
      const take = async (): Promise<void> => {
        const chunks: Buffer[] = [];
        for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
        await sleep(settings.delayMilliseconds ?? 0);
        const refusal = settings.refuse?.();
        if (refusal !== undefined) throw Object.assign(new Error(refusal.words), { responseCode: refusal.code });
        const { mailFrom, rcptTo } = session.envelope;
        const user = typeof session.user === 'string' ? { user: session.user } : {};
        mails.push({ from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address), isEncrypted: session.secure, ...user, ...parseMail(Buffer.concat(chunks).toString()) });
      };
      take().then(() => callback(), callback);
    },
  });
  // Clients that go away in the middle are what a test is about.
  server.on('error', () => undefined);
  const listening = server.listen(settings.port ?? 0, settings.address ?? '127.0.0.1');
  await once(listening, 'listening');
  return { port: (listening.address() as AddressInfo).port, mails, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

function parseMail(raw: string): Pick<ReceivedMail, 'headers' | 'text'> {
  const end = raw.indexOf('\r\n\r\n');
  const lines = raw.slice(0, end).replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const body = raw.slice(end + 4);
  const encoding = headers.get('content-transfer-encoding');
  if (encoding === 'base64') return { headers, text: toLines(Buffer.from(body, 'base64').toString()) };
  if (encoding !== 'quoted-printable') return { headers, text: toLines(body) };
  const bytes = body.replaceAll(/=\r\n/g, '').replaceAll(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return { headers, text: toLines(Buffer.from(bytes, 'latin1').toString()) };
}

function toLines(text: string): string {
  return text.replaceAll('\r\n', '\n').trimEnd();
}

/** A request as it came in. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed as JSON. */
  readonly body: unknown;
}

/** A web server that keeps what is posted to it. */
export interface WebhookSink {
  /** Without a path. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  readonly close: () => Promise<void>;
}

/** How it behaves. */
export interface WebhookSinkSettings {
  readonly address?: string;
  readonly port?: number;
  readonly certificate?: Certificate;
  /** Asked for each request; default 204. */
  readonly status?: () => number;
  /** How long it thinks before it answers. */
  readonly delayMilliseconds?: number;
}

/** Starts a real HTTP or HTTPS server on this machine. */
export async function startWebhookSink(settings: WebhookSinkSettings = {}): Promise<WebhookSink> {
  const { certificate, address = '127.0.0.1' } = settings;
  const requests: ReceivedRequest[] = [];
  const server =
    certificate === undefined ? createServer() : createTlsServer({ cert: await readFile(certificate.certificatePath), key: await readFile(certificate.keyPath) });
  server.on('request', (request, response) => {
    const take = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const { method = '', url = '', headers } = request;
      requests.push({ method, path: url, headers, body: JSON.parse(Buffer.concat(chunks).toString()) as unknown });
      await sleep(settings.delayMilliseconds ?? 0);
      response.writeHead(settings.status?.() ?? 204).end();
    };
    take().catch(() => response.destroy());
  });
  server.listen(settings.port ?? 0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://${address}:${port}`,
    port,
    requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
