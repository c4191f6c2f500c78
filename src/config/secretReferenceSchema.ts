import { z } from 'zod';

/** Like the name of a file, as systemd has it (systemd.exec(5), LoadCredential=). */
const credential = /^systemd-credential:[A-Za-z0-9_@-][A-Za-z0-9_.@-]{0,199}$/;

/** A program that prints the secret. The kernel takes no NUL in an argument. */
const execSchema = z.strictObject({
  exec: z.array(z.string().regex(/^[^\0]+$/, 'a text without a NUL')).min(1),
  timeoutSeconds: z.number().int().positive().max(600).default(30),
});

const file = z.string().regex(/^file:\/[^\0\n]+$/);

/** What a reference can be, in words for the person who writes one. */
export const secretReferenceForms = '"ask:", "file:/absolute/path", "systemd-credential:NAME" or {exec: [program, argument, …]}';

/**
 * A secret is named here and never written here: `ask:` (a person types it), `file:/path` (one line of a
 * file that root alone can read), `systemd-credential:NAME` (handed to the worker by systemd), or
 * `{exec: [program, …]}` (what a program prints).
 */
export const secretReferenceSchema = z.union(
  [z.literal('ask:'), file, z.string().regex(credential), execSchema],
  { error: `a reference to a secret: ${secretReferenceForms}` },
);

/** A reference as it stands in lockstep.yaml. */
export type SecretReferenceSetting = z.infer<typeof secretReferenceSchema>;

/** A secret that has to be at hand while nobody is: alerts go out at any hour. */
export const unattendedReferenceSchema = z.union([file, z.string().regex(credential), execSchema], {
  error:
    'a reference to a secret that needs no person, "file:/absolute/path", "systemd-credential:NAME" or {exec: [program, argument, …]} ("ask:" would wait for somebody to type it, and an alert goes out when nobody is there)',
});

/** Such a reference as it stands in lockstep.yaml. */
export type UnattendedReference = z.infer<typeof unattendedReferenceSchema>;
