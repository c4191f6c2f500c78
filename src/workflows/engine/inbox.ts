import { condition } from '@temporalio/workflow';
import { decisionSchema, type Decision, type OpenQuestion, type RecordedDecision } from '../../contract/questions.js';

/** A question as the engine asks it; the inbox adds when it was opened. */
export type Asked = Omit<OpenQuestion, 'openedAt' | 'agreed' | 'until'> & {
  /** Answers itself at that time. */
  readonly until?: { readonly at: string; readonly answer: string };
  /** May not decide; default nobody. */
  readonly excluded?: string;
};

/** Holds the open questions and whatever people sent, in the order of its arrival. */
export interface Inbox {
  readonly open: () => readonly OpenQuestion[];
  readonly decisions: () => readonly RecordedDecision[];
  /** Takes the argument of the signal `decide`, whatever it is. Never throws. */
  readonly receive: (sent: unknown) => void;
  /**
   * Opens a question and waits for the decision that counts.
   *
   * @throws {@link Withdrawn} where it was closed without one.
   */
  readonly ask: (asked: Asked) => Promise<Decision>;
  /**
   * Closes open questions without an answer: the run has left the place where they stood.
   *
   * @param node - Only those of this node; default all.
   */
  readonly withdraw: (node?: string) => void;
  /** Closes one opening without an answer; does nothing where it is not open. */
  readonly withdrawOpening: (id: string) => void;
  /** Keeps what another signal than `decide` said. */
  readonly keep: (decision: Decision, outcome: RecordedDecision['outcome']) => void;
}

/** What a node is marked with whose question was withdrawn. */
export const withdrawnNote = 'withdrawn: the run left this place before an answer';

/** Ends the waiting for a question that the run has left behind. */
export class Withdrawn extends Error {}

type Outcome = RecordedDecision['outcome'];

interface Opening {
  readonly asked: Asked;
  readonly openedAt: string;
  readonly agreed: string[];
  decision?: Decision;
  withdrawn?: boolean;
}

const longestKept = 300;

/**
 * @param isAhead - Whether a question id belongs to a node that this run has yet to reach.
 * @param onChange - Called after each change of the open questions.
 */
export function createInbox(isAhead: (question: string) => boolean, onChange: () => void): Inbox {
  const openings = new Map<string, Opening>();
  const closed = new Set<string>();
  const decisions: RecordedDecision[] = [];

  function judge(decision: Decision): Outcome {
    const opening = openings.get(decision.question);
    if (!opening) {
      if (closed.has(decision.question)) return 'not open any more';
      return isAhead(decision.question) ? 'not open yet' : 'unknown question';
    }
    const { asked, agreed } = opening;
    if (!asked.choices.includes(decision.answer)) return 'not a choice';
    if (asked.reasonFor.includes(decision.answer) && decision.reason === undefined) return 'reason missing';
    if (asked.excluded !== undefined && isSamePerson(asked.excluded, decision.by)) return 'starter may not decide';
    // Whoever agreed may still see a reason to stop.
    if (goesOn(asked, decision) && agreed.some((person) => isSamePerson(person, decision.by))) return 'same person';
    return 'counted';
  }

  function count(decision: Decision): void {
    const opening = openings.get(decision.question);
    if (!opening) return;
    opening.agreed.push(decision.by);
    // Only going on needs several people: one who sees a reason to stop is enough to stop.
    const needed = goesOn(opening.asked, decision) ? (opening.asked.people ?? 1) : 1;
    if (opening.agreed.length >= needed) {
      opening.decision = decision;
      close(decision.question);
    } else {
      onChange();
    }
  }

  function close(question: string): void {
    openings.delete(question);
    closed.add(question);
    onChange();
  }

  function withdrawOpening(id: string): void {
    const opening = openings.get(id);
    if (opening === undefined) return;
    opening.withdrawn = true;
    close(id);
  }

  function keep({ question, answer, by, reason, login, signature }: Decision, outcome: Outcome): void {
    const at = new Date().toISOString();
    decisions.push({ at, question, answer, by, ...(reason === undefined ? {} : { reason }), ...(login === undefined ? {} : { login }), ...(signature === undefined ? {} : { signature }), outcome });
  }

  return {
    open: () => [...openings.values()].map(toOpenQuestion),
    decisions: () => decisions,
    receive(sent) {
      const parsed = decisionSchema.safeParse(sent);
      if (!parsed.success) {
        decisions.push({ at: new Date().toISOString(), ...whatCanBeRead(sent), outcome: 'malformed' });
        return;
      }
      const outcome = judge(parsed.data);
      keep(parsed.data, outcome);
      if (outcome === 'counted') count(parsed.data);
    },
    async ask(asked) {
      const opening: Opening = { asked, openedAt: new Date().toISOString(), agreed: [] };
      openings.set(asked.id, opening);
      onChange();
      const ended = () => opening.decision !== undefined || opening.withdrawn === true;
      if (asked.until === undefined) {
        await condition(ended);
      } else {
        const milliseconds = Math.max(1, Date.parse(asked.until.at) - Date.now());
        await condition(ended, milliseconds, { summary: `${asked.title} (answers itself: ${asked.until.answer})`.slice(0, 190) });
      }
      if (opening.decision) return opening.decision;
      if (opening.withdrawn === true) throw new Withdrawn(`${asked.id} was withdrawn`);
      close(asked.id);
      return { question: asked.id, answer: asked.until?.answer ?? '', by: 'time', reason: 'the time set for an answer passed' };
    },
    withdraw(node) {
      for (const [id, opening] of [...openings]) {
        if (node === undefined || opening.asked.node === node) withdrawOpening(id);
      }
    },
    withdrawOpening,
    keep,
  };
}

function goesOn(asked: Asked, decision: Decision): boolean {
  return decision.answer === asked.choices[0];
}

function isSamePerson(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}

function toOpenQuestion({ asked, openedAt, agreed }: Opening): OpenQuestion {
  const { excluded, ...shown } = asked;
  return { ...shown, openedAt, ...(asked.people === undefined ? {} : { agreed }) };
}

function whatCanBeRead(sent: unknown): { question: string; answer: string; by: string; reason: string } {
  const fields: Record<string, unknown> = typeof sent === 'object' && sent !== null ? { ...sent } : {};
  const text = (value: unknown) => (typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)).slice(0, longestKept);
  return {
    question: text(fields['question']),
    answer: text(fields['answer']),
    by: text(fields['by']),
    reason: text(sent),
  };
}
