/** Runs one attempt of a key at a time: a later one ends the earlier one and waits for its end. */
export interface SingleFlight {
  readonly run: <R>(key: string, attempt: (superseded: AbortSignal) => Promise<R>) => Promise<R>;
}

/**
 * When the server was away longer than a heartbeat may take, it starts attempt 2 while attempt 1
 * still runs in this process: two of them would write to the same volume.
 */
export function createSingleFlight(): SingleFlight {
  const running = new Map<string, { controller: AbortController; ended: Promise<unknown> }>();
  return {
    async run(key, attempt) {
      const earlier = running.get(key);
      const controller = new AbortController();
      const work = (async () => {
        earlier?.controller.abort(new Error('a later attempt has begun'));
        await earlier?.ended;
        controller.signal.throwIfAborted();
        return attempt(controller.signal);
      })();
      const own = { controller, ended: work.catch(() => undefined) };
      running.set(key, own);
      try {
        return await work;
      } finally {
        if (running.get(key) === own) running.delete(key);
      }
    },
  };
}
