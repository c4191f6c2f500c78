import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineAddress } from '../../src/rehearsal/guest/index.js';
import type { HostConfig } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { makeCertificate, startMailSink, startWebhookSink, type ReceivedMail, type ReceivedRequest } from '../alertSinks.js';

/** What a host's alerts are received with: a mail server, a web server, and a program on the host itself. */
export interface AlertReceivers {
  /** The section `alerts` of lockstep.yaml. */
  readonly alerts: HostConfig;
  /** Makes the host reach them; to be called once it has booted. */
  readonly offerTo: (rehearsal: Rehearsal) => Promise<void>;
  /** As they came in, whatever the mail server was stopped meanwhile. */
  readonly mails: () => readonly ReceivedMail[];
  readonly requests: () => readonly ReceivedRequest[];
  /** What the program got: an alert in each line. */
  readonly handedOver: (rehearsal: Rehearsal) => Promise<readonly ReceivedAlert[]>;
  readonly stopMail: () => Promise<void>;
  readonly startMail: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** An alert as webhooks and programs get it. */
export interface ReceivedAlert {
  readonly id: string;
  readonly severity: string;
  readonly subject: string;
  readonly text: string;
}

/** How the channels are called where they are spoken of. */
export const channelNames = { mail: `mail (${machineAddress}:2525)`, webhook: `webhook (${machineAddress}:8085)`, command: 'command (/usr/bin/tee)' } as const;

/** The folder below /run that holds what the channels are opened with: nothing of that belongs on the disk. */
export const channelSecretsFolder = 'alert-secrets';
/** Where the program on the host keeps what it gets, an alert in each line. */
export const programFile = '/var/lib/lockstep-client/alerts';
const authorityFile = '/etc/lockstep/alert-authority.pem';

/**
 * Starts a mail server with STARTTLS and a login, and a web server that is given a token.
 *
 * @param secrets - The password and the token; the host has them as files.
 */
export async function startAlertReceivers(secrets: { readonly mailPassword: string; readonly webhookToken: string }): Promise<AlertReceivers> {
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-alerts-'));
  const certificate = await makeCertificate(directory, [`IP:${machineAddress}`]);
  const mailSettings = { certificate, login: { user: 'lockstep', password: secrets.mailPassword } };
  const mailServers = [await startMailSink(mailSettings)];
  const mailPort = mailServers[0]?.port ?? 0;
  const web = await startWebhookSink();
  let isMailUp = true;

  async function stopMail(): Promise<void> {
    if (isMailUp) await mailServers.at(-1)?.close();
    isMailUp = false;
  }

  return {
    alerts: {
      channels: [
        { kind: 'smtp', host: machineAddress, port: 2525, caFile: authorityFile, user: 'lockstep', password: `file:/run/${channelSecretsFolder}/mail`, from: 'lockstep@db.example.org', to: ['ops@example.org'] },
        { kind: 'webhook', url: `http://${machineAddress}:8085/alerts`, bearerToken: `file:/run/${channelSecretsFolder}/webhook` },
        { kind: 'command', command: ['/usr/bin/tee', '--append', programFile] },
      ],
    },
    async offerTo({ guest }) {
      await guest.offerToGuest(mailPort, 2525);
      await guest.offerToGuest(web.port, 8085);
      await guest.putFile({ content: await readFile(certificate.certificatePath), to: authorityFile });
      await guest.putFile({ content: secrets.mailPassword, to: `/run/${channelSecretsFolder}/mail`, mode: 0o600 });
      await guest.putFile({ content: secrets.webhookToken, to: `/run/${channelSecretsFolder}/webhook`, mode: 0o600 });
    },
    mails: () => mailServers.flatMap(({ mails }) => mails),
    requests: () => web.requests,
    async handedOver({ guest }) {
      const lines = (await guest.exec('cat', [programFile])).stdout.split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as ReceivedAlert);
    },
    stopMail,
    async startMail() {
      mailServers.push(await startMailSink({ ...mailSettings, port: mailPort }));
      isMailUp = true;
    },
    async close() {
      await stopMail();
      await web.close();
      await rm(directory, { recursive: true });
    },
  };
}
