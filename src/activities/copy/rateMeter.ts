const windowMilliseconds = 5_000;

/**
 * Units a second over the last five seconds: steady enough to read, quick enough to show a stall.
 *
 * @returns A function that takes the count so far and gives the rate.
 */
export function createRateMeter(now: () => number = () => performance.now()): (done: number) => number {
  const samples: { at: number; done: number }[] = [];
  return (done) => {
    const at = now();
    samples.push({ at, done });
    while (samples.length > 2 && at - (samples[0]?.at ?? at) > windowMilliseconds) samples.shift();
    const first = samples[0];
    if (!first || at === first.at) return 0;
    return Math.round(((done - first.done) * 1000) / (at - first.at));
  };
}
