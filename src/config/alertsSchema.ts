import { z } from 'zod';
import { severities } from '../contract/alerts.js';
import { absolutePath, argv } from './fields.js';

/** A secret that has to be at hand while nobody is: alerts go out at any hour. */
const unattendedSecret = z
  .string()
  .regex(/^file:\/[^\0\n]+$/, 'a reference to a secret that needs no person, "file:/absolute/path" ("ask:" would wait for somebody to type it, and an alert goes out when nobody is there)');

/** Addresses of chat services have their secret in the path. */
const webhookUrl = z
  .string()
  .refine(isAddress, { error: 'a URL that begins with https:// or http://, or "file:/absolute/path" of a file that holds it, as where the address itself is the secret' });

/** Where a text that does not fit may be a secret: it is not quoted. */
export const unquotedSchemas: ReadonlySet<z.core.$ZodType> = new Set([unattendedSecret, webhookUrl]);

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
    password: unattendedSecret.optional(),
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
  bearerToken: unattendedSecret.optional(),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/, 'the name of a header'), unattendedSecret).optional(),
  only,
});

const commandSchema = z.strictObject({ kind: z.literal('command'), command: argv, only });

function isAddress(text: string): boolean {
  return /^https?:\/\//.test(text) ? URL.canParse(text) : /^file:\/[^\0\n]+$/.test(text);
}

/** The section `alerts` of lockstep.yaml. */
export const alertsSchema = z.strictObject({
  channels: z
    .array(z.discriminatedUnion('kind', [smtpSchema, webhookSchema, commandSchema]))
    .default([])
    .describe(
      'Ways by which alerts leave this host, all of them at once; without any nobody is told. Mail: the port follows from "security" (587, 465 or 25) unless it is written, and "caFile" is for a server whose certificate no public authority has signed. Webhook: the alert is posted as JSON, and any status from 200 to 299 takes it. Command: gets the same JSON on its standard input, and takes it by exit status 0. "only" keeps a channel to some severities; without it all go there. Secrets are references.',
    ),
  giveUpAfterDays: z.number().positive().default(7).describe('An alert that did not get out is tried again, at most 5 minutes apart, for so long.'),
});

/** A channel as it stands in lockstep.yaml. */
export type ChannelSettings = Readonly<z.infer<typeof alertsSchema>>['channels'][number];
