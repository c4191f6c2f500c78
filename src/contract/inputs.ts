import { z } from 'zod';

/** A host's name: what a task queue and a workflow id can carry, and nothing like a path. */
export const hostNameSchema = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/, 'a host name: lower-case letters, digits, dots and dashes');

/**
 * The input of every runbook: names, enumerations and numbers only. Anything executable, path-like or
 * secret comes from lockstep.yaml on the host, since whoever reaches the server can start a workflow.
 */
export const runInputSchema = z.strictObject({
  host: hostNameSchema,
  /** Takes the host from a run that is closed or unknown, after its leftovers were looked at. */
  takeOver: z.boolean().default(false),
  /** Goes on where the last run of this runbook, which has lost its server, stood; implies `takeOver`. */
  resume: z.boolean().default(false),
  /** Who starts the run, as claimed. */
  startedBy: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\p{Cc}/$`;|&<>]*$/u, 'a name, without control characters and shell signs')
    .default('unknown'),
});

/** What a run may be told beyond that; each runbook names those that it takes. */
const optionSchemas = {
  newDeployment: z.boolean().default(false).describe('go on: initialise PostgreSQL on the new volume, and end with the service healthy'),
  keys: z.enum(['operational', 'recovery', 'both']).default('operational').describe('which keys are exchanged'),
  reason: z.enum(['annual', 'personnel', 'incident']).default('annual').describe('why they are exchanged'),
  emergency: z.boolean().default(false).describe('a passphrase may be known to others: at once, before whatever else this host is busy with'),
  leak: z.boolean().default(false).describe('a header backup may have got out as well: new keys, and then a new volume key (cryptsetup reencrypt)'),
  awareSince: z.iso.datetime({ offset: true }).optional().describe('when it became known, where that was earlier: all deadlines count from then (GDPR Art. 33(1))'),
  sizeGib: z.number().int().positive().max(1_048_576).optional().describe('how large the volume shall be, in GiB (default: the database plus growth)'),
} as const;

/** An option of a run, by the name that it has in the input. */
export type RunOptionName = keyof typeof optionSchemas;

/** What each of them can be. */
export type RunOptions = { readonly [Name in RunOptionName]: z.infer<(typeof optionSchemas)[Name]> };

/** One option as a command line offers it. */
export interface RunOption {
  readonly name: RunOptionName;
  readonly description: string;
  /** Absent of one that is set or not. */
  readonly choices?: readonly string[] | 'number' | 'time';
}

/** The options, in the order in which they are offered. */
export const runOptions: readonly RunOption[] = (Object.keys(optionSchemas) as RunOptionName[]).map((name) => {
  const schema = optionSchemas[name];
  const inner = schema.unwrap();
  const choices = choicesOf(inner);
  return { name, description: schema.description ?? '', ...(choices === undefined ? {} : { choices }) };
});

function choicesOf(schema: z.ZodType): RunOption['choices'] {
  if (schema instanceof z.ZodEnum) return schema.options as string[];
  if (schema instanceof z.ZodNumber) return 'number';
  return schema instanceof z.ZodISODateTime ? 'time' : undefined;
}

/**
 * The input of a runbook that takes these options.
 *
 * @param takes - Any other option is refused.
 */
export function inputSchemaOf(takes: readonly RunOptionName[]): z.ZodType<RunInput> {
  const taken = Object.fromEntries(takes.map((name) => [name, optionSchemas[name]]));
  // The names of its options are data, which the types cannot follow.
  return runInputSchema.extend(taken) as unknown as z.ZodType<RunInput>;
}

/** Those of a run's input that its runbook takes. */
export function optionsIn(input: RunInput, takes: readonly RunOptionName[]): Partial<RunOptions> {
  return Object.fromEntries(takes.flatMap((name) => (input[name] === undefined ? [] : [[name, input[name]]])));
}

/** The input as the runbook sees it. */
export type RunInput = Readonly<z.infer<typeof runInputSchema>> & Partial<RunOptions>;
