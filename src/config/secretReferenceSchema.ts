import { z } from 'zod';

/** Like the name of a file, as systemd has it (systemd.exec(5), LoadCredential=). */
const credential = /^systemd-credential:[A-Za-z0-9_@-][A-Za-z0-9_.@-]{0,199}$/;

/** A program that prints the secret. The kernel takes no NUL in an argument. */
const execSchema = z.strictObject({
  exec: z.array(z.string().regex(/^[^\0]+$/, 'a text without a NUL')).min(1),
  timeoutSeconds: z.number().int().positive().max(600).default(30),
});

/** What a reference can be, in words for the person who writes one. */
export const secretReferenceForms = '"ask:", "file:/absolute/path", "systemd-credential:NAME" or {exec: [program, argument, …]}';

/**
 * A secret is named here and never written here: `ask:` (a person types it), `file:/path` (one line of a
 * file that root alone can read), `systemd-credential:NAME` (handed to the worker by systemd), or
 * `{exec: [program, …]}` (what a program prints).
 */
export const secretReferenceSchema = z.union(
  [z.literal('ask:'), z.string().regex(/^file:\/[^\0\n]+$/), z.string().regex(credential), execSchema],
  { error: `a reference to a secret: ${secretReferenceForms}` },
);

/** A reference as it stands in lockstep.yaml. */
export type SecretReferenceSetting = z.infer<typeof secretReferenceSchema>;
