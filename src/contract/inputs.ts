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

/** The input as the runbook sees it. */
export type RunInput = Readonly<z.infer<typeof runInputSchema>>;
