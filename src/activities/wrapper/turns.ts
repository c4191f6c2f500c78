import { setTimeout as sleep } from 'node:timers/promises';

/** Whose steps act on the host at this moment. One process alone serves a host, so it can tell. */
export interface Turns {
  /**
   * Acts once the run may, and waits until then.
   *
   * @param mayAct - Whether it may begin now; asked again each second. What it throws ends the waiting.
   * @param signal - Ends the waiting.
   */
  readonly during: <R>(runId: string, mayAct: () => Promise<boolean>, signal: AbortSignal, act: () => Promise<R>) => Promise<R>;
  /**
   * Changes who may act, between two steps of a run: at once where none is at work, else after that one, and before the next.
   *
   * @param signal - Ends the waiting.
   */
  readonly between: (runId: string, signal: AbortSignal, change: () => Promise<void>) => Promise<void>;
}

const secondsBetweenLooks = 1;

/** Makes the turns of one host. */
export function createTurns(): Turns {
  const acting = new Map<string, number>();
  /** For which runs somebody waits for the end of a step: else the next one, which begins within a second, would always be sooner. */
  const awaited = new Map<string, number>();
  let last: Promise<unknown> = Promise.resolve();

  /** One look and what follows from it at a time: a step must not begin while the claim changes hands. */
  function alone<R>(look: () => Promise<R>): Promise<R> {
    const result = last.then(look);
    last = result.catch(() => undefined);
    return result;
  }

  function count(of: Map<string, number>, runId: string, by: number): void {
    of.set(runId, (of.get(runId) ?? 0) + by);
  }

  async function untilDone(signal: AbortSignal, attempt: () => Promise<boolean>): Promise<void> {
    while (!(await alone(attempt))) await sleep(secondsBetweenLooks * 1000, undefined, { signal });
  }

  return {
    async during(runId, mayAct, signal, act) {
      await untilDone(signal, async () => {
        signal.throwIfAborted();
        if ((awaited.get(runId) ?? 0) > 0 || !(await mayAct())) return false;
        count(acting, runId, 1);
        return true;
      });
      try {
        return await act();
      } finally {
        count(acting, runId, -1);
      }
    },
    async between(runId, signal, change) {
      count(awaited, runId, 1);
      try {
        await untilDone(signal, async () => {
          signal.throwIfAborted();
          if ((acting.get(runId) ?? 0) > 0) return false;
          await change();
          return true;
        });
      } finally {
        count(awaited, runId, -1);
      }
    },
  };
}
