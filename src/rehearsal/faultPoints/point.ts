import { z } from 'zod';

/**
 * The moments of an activity at which something may break; `on` tells that the worker runs, after it was
 * let go on from `during` or `after`, and `failed` that the activity ended in its own failure.
 */
export const moments = ['before', 'during', 'on', 'after', 'failed'] as const;

/** What the worker sends to ask whether it is to go on, as JSON. */
export const pointSchema = z.strictObject({
  moment: z.enum(moments),
  runbook: z.string(),
  node: z.string(),
  phase: z.enum(['do', 'undo']),
  /** Tells one call of an activity from the next. */
  call: z.string(),
  /** Milliseconds since the worker's process started. */
  upMilliseconds: z.number(),
});

/** Where a worker is when it asks whether it is to go on. */
export type FaultPoint = Readonly<z.infer<typeof pointSchema>>;

/** What the worker does then: `die` is SIGKILL to itself, at exactly this place. */
export type Verdict = 'go' | 'die';
