import { createHash } from 'node:crypto';
import type { SMTPTransportOptions } from 'nodemailer/lib/smtp-transport';
import type { ChannelSettings } from '../../config/alertsSchema.js';
import { readAuthority } from './authority.js';
import { NotTaken, type Channel } from './channel.js';
import type { ReadSecret } from './unattendedSecret.js';

/** A mail server, as lockstep.yaml names it. */
export type SmtpSettings = Extract<ChannelSettings, { kind: 'smtp' }>;

/** The ports of RFC 8314 for a client's mail, and that of RFC 5321 between servers. */
const ports = { starttls: 587, tls: 465, none: 25 } as const;

const longestAnswer = 200;

/**
 * Sends mails through an SMTP server.
 *
 * @param timeoutSeconds - For the whole exchange; default 30, since servers may let a stranger wait.
 */
export function createSmtpChannel(settings: SmtpSettings, { readSecret, timeoutSeconds = 30 }: { readonly readSecret: ReadSecret; readonly timeoutSeconds?: number }): Channel {
  const { host, security, from, to } = settings;
  const port = settings.port ?? ports[security];
  return {
    name: `mail (${host}:${port})`,
    async send({ id, subject, text }, signal) {
      // It takes a while to load, and most processes never send a mail.
      const { createTransport } = await import('nodemailer');
      const authority = settings.caFile === undefined ? {} : { tls: { ca: await readAuthority(settings.caFile) } };
      const password = settings.password === undefined ? undefined : await readSecret(settings.password, signal);
      const pass = password?.toString();
      const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
      const transport = createTransport({
        host,
        port,
        ...encryptionOf(security),
        ...timeoutsOf(timeoutSeconds),
        ...authority,
        ...(settings.user === undefined || pass === undefined ? {} : { auth: { user: settings.user, pass } }),
        disableFileAccess: true,
        disableUrlAccess: true,
      } satisfies SMTPTransportOptions);
      try {
        const { rejected } = await transport.sendMail({
          from,
          to: [...to],
          subject,
          text,
          messageId: messageIdOf(id, from),
          // RFC 3834: nobody's absence is to be answered to this address.
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal: AbortSignal.any([signal, timeout]),
        });
        return rejected.length === 0 ? {} : { remark: `the server refused ${rejected.join(', ')}` };
      } catch (error) {
        if (timeout.aborted) throw new NotTaken(`did not take the mail within ${timeoutSeconds} s`);
        throw new NotTaken(explain(error, pass));
      } finally {
        password?.fill(0);
        transport.close();
      }
    },
  };
}

function encryptionOf(security: SmtpSettings['security']): Pick<SMTPTransportOptions, 'secure' | 'requireTLS' | 'ignoreTLS'> {
  return { secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none' };
}

/** The library's own wait for minutes. */
function timeoutsOf(seconds: number): Pick<SMTPTransportOptions, 'connectionTimeout' | 'greetingTimeout' | 'socketTimeout' | 'dnsTimeout'> {
  const milliseconds = seconds * 1000;
  return { connectionTimeout: milliseconds, greetingTimeout: milliseconds, socketTimeout: milliseconds, dnsTimeout: milliseconds };
}

/** The same for every repetition of a message, so that mail programs show it once. */
function messageIdOf(id: string, from: string): string {
  return `<${createHash('sha256').update(id).digest('hex').slice(0, 32)}@${from.slice(from.lastIndexOf('@') + 1)}>`;
}

/** What the library tells of a failure. */
interface MailFailure {
  readonly code?: string;
  readonly originalCode?: string;
  readonly message?: string;
  readonly response?: string;
  readonly responseCode?: number;
}

function explain(error: unknown, password: string | undefined): string {
  const { code = 'unknown reason', originalCode, response, responseCode, message = '' }: MailFailure = error instanceof Error ? error : {};
  // After a login a server may say anything, also what it was just told.
  if (code === 'EAUTH') return `refused the user or the password${responseCode === undefined ? '' : ` (${responseCode})`}`;
  if (code === 'ETLS' && response !== undefined) return doesNotEncrypt;
  if (response !== undefined && responseCode !== undefined) return `refused the mail: "${quote(response, password)}"`;
  const reason = originalCode ?? code;
  if (/certificate|self.signed|issuer|altnames/i.test(message)) return `has a certificate that is not trusted (${reason})${/SELF_SIGNED|UNABLE_TO/.test(reason) ? '; "caFile" names the authority of a server of your own' : ''}`;
  if (reason.startsWith('ERR_SSL')) return doesNotEncrypt;
  return reasons[reason] ?? reasons[code] ?? `could not be reached (${reason})`;
}

const doesNotEncrypt = 'does not encrypt in the way that "security" names';

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'could not be reached: no route to it',
  ENETUNREACH: 'could not be reached: no route to it',
  ENOTFOUND: 'could not be found: its name is not known',
  EDNS: 'could not be found: its name is not known',
  ETIMEDOUT: 'did not answer in time',
  ECONNECTION: 'closed the connection',
  ECONNRESET: 'closed the connection',
  ETLS: doesNotEncrypt,
  EABORT: 'was given up',
};

/** One line of a server's answer, without the password where it says that back. */
function quote(answer: string, password: string | undefined): string {
  const shown = password === undefined ? answer : answer.replaceAll(password, '…');
  return shown.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim().slice(0, longestAnswer);
}
