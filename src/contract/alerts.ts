import { z } from 'zod';

/** How much it matters, from the least: whether somebody has to come at once is what `critical` says. */
export const severities = ['info', 'warning', 'critical'] as const;

/** One of them. */
export type Severity = (typeof severities)[number];

/** What whoever raises an alert has to say. It leaves the host: nothing of a secret belongs in it. */
export interface AlertWords {
  readonly severity: Severity;
  /** One line: what happened, and to what. */
  readonly subject: string;
  /** For a person who was asleep: what happened, the values, and what to type next. */
  readonly text: string;
}

/** The form of an alert, as it lies on the host and as webhooks and commands are given it. */
export const alertSchema = z.strictObject({
  /** The same for the same event, however often it is raised; whoever receives it twice can tell by it. */
  id: z.string().min(1),
  /** ISO time at which it was raised first. */
  at: z.string(),
  severity: z.enum(severities),
  subject: z.string(),
  text: z.string(),
  host: z.string(),
  /** The run that raised it; absent where none did. */
  run: z.strictObject({ workflowId: z.string(), runId: z.string(), node: z.string().optional() }).optional(),
});

/** Something that a person has to hear of, wherever they are. */
export type Alert = Readonly<z.infer<typeof alertSchema>>;

const longestSubject = 200;
const longestText = 10_000;

/**
 * Puts an alert's words into the form that every channel can carry: a subject of one line, and neither without end.
 *
 * @param words - As they were raised, often with the message of a failure in them.
 */
export function toAlertWords({ severity, subject, text }: AlertWords): AlertWords {
  // A line's end in a subject would begin another header of a mail.
  return { severity, subject: cut(subject.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim(), longestSubject), text: cut(text.trim(), longestText) };
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
