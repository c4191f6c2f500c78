import { z } from 'zod';

/** The moments of an activity at which something may break; `failed` tells that it ended in its own failure. */
export const moments = ['before', 'during', 'after', 'failed'] as const;

export const pointSchema = z.strictObject({
  moment: z.enum(moments),
  runbook: z.string(),
  node: z.string(),
  phase: z.enum(['do', 'undo']),
  /** Tells one call of an activity from the next. */
  call: z.string(),
  /** Of the worker's process, in the host. */
  processId: z.number(),
  /** Milliseconds since that process started. */
  upMilliseconds: z.number(),
});

/** Where a worker is when it asks whether it is to go on. */
export type FaultPoint = Readonly<z.infer<typeof pointSchema>>;

/** What the worker does then: `die` is SIGKILL to itself, at exactly this place. */
export type Verdict = 'go' | 'die';
