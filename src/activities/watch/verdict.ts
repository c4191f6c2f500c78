/** What a comparison of two sets of measurements says: `inconclusive` where noise could decide either way. */
export type Verdict = 'pass' | 'fail' | 'inconclusive';

/** A judged comparison. */
export interface Judged {
  readonly verdict: Verdict;
  readonly medianBefore: number;
  readonly medianAfter: number;
  /** After against before: 0.1 is 10 % more, or points of the measured unit where differences are judged. */
  readonly change: number;
  /** The 95 % interval of that change, by resampling. */
  readonly low: number;
  readonly high: number;
}

const resamples = 1000;

/**
 * Judges whether measurements grew by more than a limit. The plan's single request before and after
 * lets noise decide on a rollback; here the interval of the medians' ratio has to lie on one side.
 *
 * @param before - At least one measurement, any unit.
 * @param after - The same unit.
 * @param limit - Allowed growth: 0.15 for the plan's 15 %.
 */
export function judge(before: readonly number[], after: readonly number[], limit: number): Judged {
  return judgeChange(before, after, limit, (one, other) => (one === 0 ? 0 : other / one - 1));
}

/**
 * The same of figures that may be zero, whose difference counts: `change`, `low` and `high` are in their unit.
 *
 * @param limit - Allowed growth in the same unit: 5 for five points of I/O wait.
 */
export function judgeDifference(before: readonly number[], after: readonly number[], limit: number): Judged {
  return judgeChange(before, after, limit, (one, other) => other - one);
}

function judgeChange(before: readonly number[], after: readonly number[], limit: number, changeOf: (before: number, after: number) => number): Judged {
  const random = createRandom(before.length * 1009 + after.length);
  const changeOfMedians = (one: readonly number[], other: readonly number[]) => changeOf(median(one), median(other));
  const changes = Array.from({ length: resamples }, () => changeOfMedians(resample(before, random), resample(after, random))).sort((a, b) => a - b);
  const low = changes[Math.floor(resamples * 0.025)] ?? 0;
  const high = changes[Math.floor(resamples * 0.975)] ?? 0;
  return {
    verdict: high <= limit ? 'pass' : low > limit ? 'fail' : 'inconclusive',
    medianBefore: median(before),
    medianAfter: median(after),
    change: changeOfMedians(before, after),
    low,
    high,
  };
}

/** The middle value; zero of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function resample(values: readonly number[], random: () => number): readonly number[] {
  return values.map(() => values[Math.floor(random() * values.length)] ?? 0);
}

/** A small generator with a fixed seed (xorshift32): the same measurements are always judged the same. */
function createRandom(seed: number): () => number {
  let state = (seed | 0) === 0 ? 1 : seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}
