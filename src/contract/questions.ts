import { z } from 'zod';
import type { Facts } from './facts.js';

/** Lets only text through that a person could have meant as a name or a reason. */
const spoken = (most: number) => z.string().trim().min(1).max(most).regex(/^[^\p{Cc}]*$/u, 'no control characters');

/** What a person says to an open question; the argument of the signal `decide`. */
export const decisionSchema = z.strictObject({
  /** The id of the opening, as the status shows it: `final-backup`, `copy-data.failed.1`. */
  question: z.string().min(1).max(200),
  /** One of the question's choices. */
  answer: z.string().min(1).max(50),
  /** Who decides. Recorded as claimed: the server does not know who sends a signal. */
  by: spoken(200),
  /** Why; some questions require it. */
  reason: spoken(2000).optional(),
  /** The user who logged in, and where, as `lockstep` read it from the kernel there: `ann@db1`. */
  login: spoken(150).optional(),
  /** Of an SSH key over all of this and the run, as base64: see `signatures.ts`. The host looks whose it is. */
  signature: z.string().regex(/^[A-Za-z0-9+/=]{1,6000}$/).optional(),
});

/** A decision whose form is right. */
export type Decision = Readonly<z.infer<typeof decisionSchema>>;

/** The argument of the signal `rollback`. */
export const rollbackRequestSchema = z.strictObject({ by: spoken(200), reason: spoken(2000) });

/** A request to go back whose form is right: who asks, as claimed, and why. */
export type RollbackRequest = Readonly<z.infer<typeof rollbackRequestSchema>>;

/** The argument of the signal `resumed`. */
export const resumedSchema = z.strictObject({
  bootId: z.string().min(1).max(100),
  /** The highest number of a call of this run that the host has in its journal. */
  calls: z.number().int().nonnegative().optional(),
  /** A run that came first has given the host back: what this one asks for may not be needed any more. */
  hasHostAgain: z.literal(true).optional(),
});

/** What kind of answer is waited for. */
export type QuestionKind = 'gate' | 'acknowledgement' | 'secret' | 'wait' | 'parked' | 'cancelled';

/** The answers to a question for a secret: it is typed on the host, never sent; or nobody has it. */
export const secretAnswers = { typed: 'provided', lacking: 'unavailable' } as const;

/** What was answered to a runbook's own question, for the nodes after it. */
export type Answer = Pick<Decision, 'answer' | 'by' | 'reason'>;

/** A question as it is shown while it is open. */
export interface OpenQuestion {
  /** This opening's own id: a decision for an earlier opening never touches a later one. */
  readonly id: string;
  /** The node that asks. */
  readonly node: string;
  readonly kind: QuestionKind;
  /** One sentence that ends in what is to be decided. */
  readonly title: string;
  /** What can be answered. */
  readonly choices: readonly string[];
  /** Choices that need a reason. */
  readonly reasonFor: readonly string[];
  readonly evidence: Facts;
  /** The choice that the plan would have taken, where it names one. */
  readonly recommended?: string;
  /** ISO time. */
  readonly openedAt: string;
  /** ISO time at which the question answers itself, and with what. */
  readonly until?: { readonly at: string; readonly answer: string };
  /** ISO time by which it has to be answered: people are told before and after, and it stays open. */
  readonly dueAt?: string;
  /** Of a secret: its name in lockstep.yaml. */
  readonly secret?: string;
  /** The secret is being set now, so it is typed twice. */
  readonly isNewSecret?: boolean;
  /** How many different people must agree; default 1. */
  readonly people?: number;
  /** Who has agreed so far, where several are needed. */
  readonly agreed?: readonly string[];
}

/** What became of a signal: every one is kept, whatever it was. */
export interface RecordedDecision {
  /** ISO time of arrival, by the server's clock. */
  readonly at: string;
  /** As it was sent, cut to what fits; of a malformed one, what could be read. */
  readonly question: string;
  readonly answer: string;
  readonly by: string;
  readonly reason?: string;
  readonly login?: string;
  readonly signature?: string;
  /** `counted`, or why it changed nothing. */
  readonly outcome: 'counted' | 'malformed' | 'unknown question' | 'not open any more' | 'not open yet' | 'not a choice' | 'reason missing' | 'same person' | 'starter may not decide';
}
