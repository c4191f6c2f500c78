import { decisionSchema } from '../contract/questions.js';
import { wrongUsage } from './exit.js';

/** What a person says beside an answer, and what each is for. */
const spoken = { by: 'who decides', reason: 'why' } as const;

/**
 * What keeps a name or a reason from being recorded: the run would take it for malformed.
 *
 * @returns Words that go on from its name; undefined where nothing does.
 */
export function findFault(name: keyof typeof spoken, value: string): string | undefined {
  const issue = decisionSchema.shape[name].safeParse(value).error?.issues[0];
  if (issue === undefined) return undefined;
  if (issue.code === 'too_small') return `is empty; say ${spoken[name]}`;
  if (issue.code === 'too_big') return `is longer than ${issue.maximum} characters; say it in fewer`;
  return 'holds a line break or another control character; say it in one line';
}

/**
 * Refuses what no run would count, before anything is sent.
 *
 * @throws CommandEnded naming the option.
 */
export function assertSpoken(said: { readonly by?: string; readonly reason?: string }): void {
  for (const name of ['by', 'reason'] as const) {
    const value = said[name];
    const fault = value === undefined ? undefined : findFault(name, value);
    if (fault !== undefined) throw wrongUsage(`--${name} ${fault}`);
  }
}
