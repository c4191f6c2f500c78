import { z } from 'zod';

const words = z.string().trim().min(1).max(200).regex(/^[^\p{Cc}]*$/u, 'a text of one line');
const timeZone = z.string().refine(isTimeZone, 'a time zone by its IANA name, such as Europe/Berlin');

const keyHolderSchema = z.strictObject({
  name: words,
  role: words,
  operational: z.boolean().default(false),
  recovery: z.boolean().default(false),
  mfa: z.boolean().default(false),
  login: z.string().regex(/^[a-z_][a-z0-9_.-]{0,31}$/i, 'the name of a user of this host').optional(),
  phone: words.optional(),
  email: words.optional(),
  timeZone: timeZone.optional(),
});

const emergencyContactSchema = z.strictObject({ name: words, phone: words, timeZone, note: words.optional() });

const place = words.optional();

/**
 * Who can answer when a run waits for a secret, and where each secret is kept: the plan's 5.1 and 5.3. All
 * of it may be absent; what a complete list lacks is told by `lockstep people`.
 *
 * Names and telephone numbers stay on the host: the server keeps histories for long and asks nobody who
 * they are, and personal data belongs where it is needed alone (GDPR, Article 5(1)(c) and (f)).
 */
export const peopleSchema = z
  .strictObject({
    keyHolders: z
      .array(keyHolderSchema)
      .refine((holders) => areDistinct(holders.map(({ name }) => name)), 'a list in which each name stands once')
      .refine((holders) => areDistinct(holders.flatMap(({ login }) => login ?? [])), 'a list in which each login stands once')
      .default([])
      .describe(
        'Who holds the operational passphrase (two or three administrators), who the recovery key (two at least), and who is protected by a second factor. "login" is their user on this host, by which a decision can be told to be theirs; "phone", "email" and "timeZone" are how they are reached.',
      ),
    emergencyContacts: z.array(emergencyContactSchema).default([]).describe('Whom to call, in this order: two at least.'),
    places: z
      .strictObject({ operational: place, recovery: place, recoveryCopy: place, backup: place, testAccount: place })
      .prefault({})
      .describe('Where each secret is kept; never the secret itself.'),
  })
  .prefault({})
  .describe(
    'Shown where a run waits for one of their secrets, and by "lockstep people", which also tells what is missing. It stays on this host, and is in no history of the server.',
  );

/** Who and where, as lockstep.yaml has it. */
export type People = Readonly<z.infer<typeof peopleSchema>>;

/** One who holds a key. */
export type KeyHolder = People['keyHolders'][number];

function isTimeZone(name: string): boolean {
  // Newer versions of Node take offsets too, which know no summer time.
  if (/^[+-]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function areDistinct(names: readonly string[]): boolean {
  return new Set(names.map((name) => name.toLowerCase())).size === names.length;
}
