import type { CompactStatus } from '../../../../src/contract/status.js';
import { goBack, listOf, otherWay, questionsOf } from './description.js';
import { isOpeningOf, type Sent } from './rules.js';
import type { Noise, Reply, RunKind, Scenario } from './scenario.js';

type Opened = CompactStatus['questions'][number];

/** Who answers a run's questions, in the order in which they open. */
export interface Person {
  /** Hears how the run stands. */
  readonly hear: (status: CompactStatus) => void;
  /** What the run still asks, as far as people know. */
  readonly open: () => readonly string[];
  /** What is sent before the run has asked anything. */
  readonly early: () => readonly unknown[];
  /** Remembers that a rollback is sent. @returns its argument. */
  readonly rollback: () => unknown;
}

/** How a person reaches a run. */
export interface Line {
  readonly send: (decision: unknown) => Promise<void>;
  /** Lets time go by before something is said. */
  readonly hesitate: () => Promise<void>;
  readonly run: number;
  readonly kind: RunKind;
  /** Everything that was sent to any run, in order; what is sent is added. */
  readonly sent: Sent[];
  /** How the questions that open next are answered; what is used is taken away. */
  readonly replies: Reply[];
  readonly isOnTheWayBack: () => boolean;
  readonly log: (line: string) => void;
  readonly opened: (question: Opened) => void;
  /** Once: what went wrong while something was sent. */
  readonly failed: (error: unknown) => void;
}

const needReasons = ['no-go', 'skip', 'rollback', 'discard-writes', 'stop', 'choose-again', otherWay, 'first-way'];
const plain: Reply = { noise: [], choice: 0, doubled: 'no', leftToTime: false };

export function createPerson(scenario: Scenario, line: Line): Person {
  const list = line.kind === 'back' ? [backList] : listOf(scenario.runbook);
  const questions = list.flatMap((each) => questionsOf(each).map((asked) => ({ ...asked, node: each.id })));
  const waits = list.filter(({ node }) => node.kind === 'wait').map(({ id }) => id);
  const { sent, replies } = line;
  const seen = new Set<string>();
  let open: readonly Opened[] = [];
  let people = 0;
  // One after the other: whoever answers a second question has answered the first.
  let turn: Promise<void> = Promise.resolve();

  const newPerson = () => `p${line.run}.${(people += 1)}`;

  function note(question: string, answer: string, mustNotCount: boolean, by = newPerson()): { question: string; answer: string; by: string } {
    sent.push({ question, answer, by, mustNotCount, run: line.run, onTheWayBack: line.isOnTheWayBack() });
    line.log(`${by}: ${answer} to ${question}${mustNotCount ? ', which must not count' : ''}`);
    return { question, answer, by };
  }

  async function say(question: string, answer: string, by?: string): Promise<void> {
    await line.hesitate();
    await line.send({ ...note(question, answer, false, by), reason: 'because' });
  }

  async function sayInVain(question: string, answer: string, reason: object = { reason: 'because' }): Promise<void> {
    await line.hesitate();
    await line.send({ ...note(question, answer, true), ...reason });
  }

  async function answer(asked: Opened): Promise<void> {
    const reply = replies.shift() ?? plain;
    for (const noise of reply.noise) await disturb(noise, asked);
    const put = questions.find(({ id }) => isOpeningOf(asked.id, id))?.question;
    const isWait = waits.some((id) => isOpeningOf(asked.id, id));
    if (reply.leftToTime && (isWait || put?.limited === true)) {
      line.log(`${asked.id} is left to time`);
      return;
    }
    const chosen = asked.choices[reply.choice % asked.choices.length] ?? '';
    const first = newPerson();
    // Where two are needed, one of them twice is not enough.
    if (reply.doubled === 'at once') await Promise.all([say(asked.id, chosen, first), say(asked.id, chosen, first)]);
    else await say(asked.id, chosen, first);
    if (reply.doubled === 'by another') await say(asked.id, chosen, put?.people === 2 ? first : newPerson());
    if (put?.people === 2) await say(asked.id, chosen);
  }

  async function disturb(noise: Noise, asked: Opened): Promise<void> {
    switch (noise) {
      case 'malformed':
        return line.send([{ question: asked.id, answer: asked.choices[0] }, asked.id, null][people % 3]);
      case 'to an unknown question':
        return sayInVain(['n99', 'n0.failed', `${asked.id}.failed.9`, ' '][people % 4] ?? '', asked.choices[0] ?? '');
      case 'no such choice':
        return sayInVain(asked.id, 'perhaps');
      case 'without a reason': {
        const choice = asked.choices.find((each) => needReasons.includes(each));
        return choice === undefined ? undefined : sayInVain(asked.id, choice, {});
      }
      case 'to the next opening':
        return sayInVain(nextOpening(asked.id), asked.choices[0] ?? '');
      case 'to an answered question': {
        const answered = [...seen].find((id) => !open.some((each) => each.id === id));
        return answered === undefined ? undefined : sayInVain(answered, answersOf(answered));
      }
      case 'to another question': {
        // What is open beside it is answered in its own right, and a wait may end at any time.
        if (waits.some((id) => isOpeningOf(asked.id, id))) return undefined;
        const here = questions.filter(({ id }) => open.some((each) => isOpeningOf(each.id, id))).map(({ node }) => node);
        const other = questions.find(({ id, node }) => !here.includes(node) && !seen.has(id) && !isOpeningOf(asked.id, id));
        return other === undefined ? undefined : sayInVain(other.id, answersOf(other.id));
      }
    }
  }

  function answersOf(question: string): string {
    return questions.find(({ id }) => isOpeningOf(question, id))?.question.kind === 'acknowledgement' ? 'acknowledged' : 'go';
  }

  return {
    hear(status) {
      open = status.questions;
      for (const asked of open) {
        if (seen.has(asked.id)) continue;
        seen.add(asked.id);
        line.opened(asked);
        line.log(`open: ${asked.id} (${asked.choices.join(', ')})`);
        turn = turn.then(() => answer(asked)).catch(line.failed);
      }
    },
    open: () => open.map(({ id }) => id),
    early: () => (scenario.answeredTooEarly ? questions.map(({ id }) => ({ ...note(id, answersOf(id), true), reason: 'because' })) : []),
    rollback: () => ({ by: note('rollback', 'rollback', false).by, reason: 'because' }),
  };
}

const backList = { id: goBack, node: { kind: 'gate', people: 1, needed: true, limited: false } } as const;

function nextOpening(id: string): string {
  const [, name = id, number = '1'] = /^(.*)\.(\d+)$/.exec(id) ?? [];
  return `${name}.${Number(number) + 1}`;
}
