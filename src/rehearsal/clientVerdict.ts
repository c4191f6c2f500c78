import { z } from 'zod';

const verdictSchema = z.object({
  sent: z.number(),
  acknowledged: z.number(),
  refused: z.number(),
  unanswered: z.number().default(0),
  present: z.number(),
  missing: z.number(),
  duplicated: z.number(),
  altered: z.number(),
  longestGapSeconds: z.number(),
});

/** What the client found of the operations that were acknowledged to it. */
export type ClientVerdict = Readonly<z.infer<typeof verdictSchema>>;

/** Reads what the client's `verify` printed; it exits with 1 where something is missing, and prints all the same. */
export function readClientVerdict(stdout: string, stderr: string): ClientVerdict {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  const parsed = verdictSchema.safeParse(tryJson(line));
  if (parsed.success) return parsed.data;
  throw new Error(`the client did not tell its verdict: ${(stderr || stdout).trim().slice(-500)}`);
}

/** Every acknowledged operation is there, once and unaltered. */
export function isIntact({ missing, duplicated, altered, acknowledged, present }: ClientVerdict): boolean {
  return missing === 0 && duplicated === 0 && altered === 0 && present === acknowledged;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
