/** A secret that a person typed, in the worker's memory alone. */
export interface GivenSecret {
  readonly value: Buffer;
  /** The opening of the question that it answered. */
  readonly question: string;
  /** Who typed it, as claimed, and where from. */
  readonly by: string;
  readonly from?: string;
}

/** Keeps typed secrets for the length of a sitting, so that nobody types the same passphrase five times. */
export interface SecretVault {
  readonly give: (name: string, secret: GivenSecret) => void;
  readonly get: (name: string) => GivenSecret | undefined;
  /** Overwrites and drops one: a wrong one, or one that has served. */
  readonly forget: (name: string) => void;
  readonly forgetAll: () => void;
}

const longestTimer = 2 ** 31 - 1;

/**
 * Buffers are overwritten when they are dropped. A copy that became a JavaScript string cannot be,
 * so secrets stay buffers until they are written to a tool.
 *
 * @param sittingMilliseconds - How long a secret is kept.
 * @param now - Milliseconds of a clock that only goes forward.
 */
export function createSecretVault(sittingMilliseconds: number, now: () => number = () => performance.now()): SecretVault {
  const kept = new Map<string, { secret: GivenSecret; until: number; timer: NodeJS.Timeout }>();

  const forget = (name: string): void => {
    const entry = kept.get(name);
    clearTimeout(entry?.timer);
    entry?.secret.value.fill(0);
    kept.delete(name);
  };

  return {
    give(name, secret) {
      forget(name);
      // A sitting ends by itself, whether anybody asks again or not. Timers take 24 days at most.
      const timer = setTimeout(() => forget(name), Math.min(sittingMilliseconds, longestTimer));
      timer.unref();
      kept.set(name, { secret, until: now() + sittingMilliseconds, timer });
    },
    get(name) {
      const entry = kept.get(name);
      if (entry && entry.until <= now()) forget(name);
      return kept.get(name)?.secret;
    },
    forget,
    forgetAll: () => [...kept.keys()].forEach(forget),
  };
}
