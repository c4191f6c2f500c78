import { z } from 'zod';
import { severities } from '../contract/alerts.js';
import { absolutePath, argv } from './fields.js';
import { unattendedReferenceSchema } from './secretReferenceSchema.js';

const webhookWords = {
  error: 'a URL that begins with https:// or http:// and has no user or password in it, or a reference such as "file:/absolute/path" to what holds it, as where the address itself is the secret',
};

/** Addresses of chat services have their secret in the path. */
const webhookUrl = z.union([z.string().refine(isAddress, webhookWords), unattendedReferenceSchema], webhookWords);

/** Where a text that does not fit may be a secret: it is not quoted. */
export const unquotedSchemas: ReadonlySet<z.core.$ZodType> = new Set<z.core.$ZodType>([unattendedReferenceSchema, webhookUrl]);

const mailAddress = z.string().regex(/^[^\s@<>,;]+@[^\s@<>,;]+$/, 'a mail address, such as ops@example.org');
const only = z.array(z.enum(severities)).min(1).optional();
const isOfThisMachine = (host: string): boolean => ['localhost', '127.0.0.1', '::1'].includes(host);

const smtpSchema = z
  .strictObject({
    kind: z.literal('smtp'),
    host: z.string().regex(/^[A-Za-z0-9.:_-]+$/, 'a host name or an address'),
    port: z.number().int().min(1).max(65535).optional(),
    security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
    caFile: absolutePath.optional(),
    user: z.string().min(1).optional(),
    password: unattendedReferenceSchema.optional(),
    from: mailAddress,
    to: z.array(mailAddress).min(1),
    only,
  })
  .refine(({ user, password }) => user === undefined || password !== undefined, { path: ['password'], error: 'a password beside "user"' })
  .refine(({ user, password }) => password === undefined || user !== undefined, { path: ['user'], error: 'a user beside "password"' })
  .refine(({ security, password, host }) => security !== 'none' || password === undefined || isOfThisMachine(host), {
    path: ['security'],
    error: 'starttls or tls where there is a password, which would travel in the clear',
  });

const webhookSchema = z.strictObject({
  kind: z.literal('webhook'),
  url: webhookUrl,
  caFile: absolutePath.optional(),
  bearerToken: unattendedReferenceSchema.optional(),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/, 'the name of a header'), unattendedReferenceSchema).optional(),
  only,
});

const commandSchema = z.strictObject({ kind: z.literal('command'), command: argv, only });

/** A user or a password in a URL would be a secret that stands in the file, and is sent by no request of Node's. */
function isAddress(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

/** The section `alerts` of lockstep.yaml. */
export const alertsSchema = z.strictObject({
  channels: z
    .array(z.discriminatedUnion('kind', [smtpSchema, webhookSchema, commandSchema]))
    .default([])
    .describe(
      'Ways by which alerts leave this host, all of them at once; without any nobody is told. Mail: the port follows from "security" (587, 465 or 25) unless it is written, and "caFile" is for a server whose certificate no public authority has signed. Webhook: the alert is posted as JSON, and any status from 200 to 299 takes it; "caFile" as for mail. Command: gets the same JSON on its standard input, and takes it by exit status 0. "only" keeps a channel to some severities; without it all go there. Secrets are references that need no person: file, systemd-credential or exec.',
    ),
  giveUpAfterDays: z.number().positive().default(7).describe('An alert that did not get out is tried again, at most 5 minutes apart, for so long.'),
});

/** A channel as it stands in lockstep.yaml. */
export type ChannelSettings = Readonly<z.infer<typeof alertsSchema>>['channels'][number];
