import { CancellationScope, condition, setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { memoKey, searchAttributeNames } from '../../contract/names.js';
import type { RunStatus } from '../../contract/status.js';
import { renderPage } from './page.js';
import type { Progress } from './progress.js';

/** Shows people how a run stands: its page in the UI, and what the server can list of it without asking it. */
export interface Publisher {
  /** Once all has changed that changes now: each showing is events of history. */
  readonly publish: () => void;
  /** At once, for a run that ends. */
  readonly publishNow: () => void;
}

const attributeKeys = {
  host: defineSearchAttributeKey(searchAttributeNames.host, 'KEYWORD'),
  runbook: defineSearchAttributeKey(searchAttributeNames.runbook, 'KEYWORD'),
  state: defineSearchAttributeKey(searchAttributeNames.state, 'KEYWORD'),
  question: defineSearchAttributeKey(searchAttributeNames.question, 'KEYWORD'),
};

/** @returns The publisher of a run whose progress and questions these tell. */
export function createPublisher({ status, section, compact }: Pick<Progress, 'section' | 'compact'> & { readonly status: () => RunStatus }): Publisher {
  let isStale = false;
  const shown = new Map<string, string>();
  const isNew = (what: string, value: unknown): boolean => {
    const text = JSON.stringify(value);
    const changed = shown.get(what) !== text;
    shown.set(what, text);
    return changed;
  };

  function publishNow(): void {
    isStale = false;
    const now = status();
    setCurrentDetails(renderPage(now));
    const { host, runbook, state, questions } = now;
    const question = questions[0]?.id ?? null;
    if (isNew('memo', [state, section(), questions.map(({ id, agreed }) => [id, agreed])])) upsertMemo({ [memoKey]: compact(questions) });
    if (!isNew('attributes', [state, question])) return;
    upsertSearchAttributes([
      { key: attributeKeys.host, value: host },
      { key: attributeKeys.runbook, value: runbook },
      { key: attributeKeys.state, value: state },
      { key: attributeKeys.question, value: question },
    ]);
  }

  async function publishWhenStale(): Promise<never> {
    for (;;) {
      // Looked at when everything else that an activation began has come to a halt.
      await condition(() => isStale);
      publishNow();
    }
  }

  // A run that is cancelled asks about that, and goes on to be shown.
  void CancellationScope.nonCancellable(publishWhenStale);
  return { publish: () => void (isStale = true), publishNow };
}
