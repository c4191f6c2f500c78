import { stat } from 'node:fs/promises';
import { toDeviceNumber } from '../../host/disks/deviceNumber.js';
import { compareSamples, type Activity, type ActivitySample } from '../../host/disks/diskActivity.js';
import { changes, type Attempt } from '../activity.js';
import { logIn } from './applicationClient.js';
import { keepProof } from '../run/proofs.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { volumeLayout } from '../volume/openVolume.js';
import { needSource } from '../source/source.js';
import { judge, judgeDifference, median, type Verdict } from './verdict.js';
import { PermanentFailure, RollbackTrigger } from '../../contract/errors.js';

/** Durations in milliseconds for each endpoint, and what the disk and the processors did meanwhile. */
interface Performance {
  readonly endpoints: Readonly<Record<'operations' | 'download' | 'snapshot', readonly number[]>>;
  readonly activity: Activity;
  /** I/O wait in percent, in each of several parts of the measurement: one figure alone could not tell noise from change. */
  readonly ioWaits: readonly number[];
}

/** How often the disk is looked at while requests are measured. */
const parts = 12;

type Moment = 'before' | 'after';

const noBaseline = { verdict: 'inconclusive' as Verdict, words: 'no baseline was measured to compare with' };

/** The plan's 2.3: the same requests before and after, many of them. */
export const performanceActivities = {
  /** Measures the endpoints in turn, so that a slow moment of the host touches all of them. */
  measurePerformance: changes('BASELINE_MEASURED', async (attempt, { moment }: { readonly moment: Moment }) => {
    const measured = await measure(attempt, moment);
    await keepFact(attempt, `performance-${moment}`, measured);
    return {
      endpoints: Object.entries(measured.endpoints).map(([name, durations]) => ({
        name,
        requests: durations.length,
        medianMilliseconds: median(durations),
        spreadMilliseconds: spread(durations),
      })),
      activity: measured.activity,
    };
  }),

  /** Pass, fail or inconclusive against the plan's 10, 15 and 5 %; only a failure is a failure. */
  comparePerformance: changes('PERFORMANCE_COMPARED', async (attempt) => {
    const { operationsPercent, snapshotPercent, ioWaitPercent } = attempt.config.verification;
    const { performancePercent } = attempt.config.rollback;
    const before = await readFact<Performance>(attempt, 'performance-before');
    const after = await measure(attempt, 'after');
    await keepFact(attempt, 'performance-after', after);
    if (before === undefined) return { verdicts: [{ name: 'performance', ...noBaseline }], activity: after.activity };
    const limits = { operations: operationsPercent, download: operationsPercent, snapshot: snapshotPercent };
    const verdicts = (['operations', 'download', 'snapshot'] as const).map((name) => {
      const judged = judge(before.endpoints[name], after.endpoints[name], limits[name] / 100);
      const percent = (share: number) => `${share >= 0 ? '+' : ''}${(share * 100).toFixed(0)} %`;
      const words = `${percent(judged.change)} (${percent(judged.low)} to ${percent(judged.high)}), limit ${limits[name]} %`;
      return { name, verdict: judged.verdict, words, medianBefore: judged.medianBefore, medianAfter: judged.medianAfter, low: judged.low };
    });
    const ioWait = judgeIoWait(before.ioWaits, after.ioWaits, ioWaitPercent);
    const failed = [...verdicts, ioWait].filter(({ verdict }) => verdict === 'fail');
    if (failed.length > 0) {
      const fact = `slower than allowed: ${failed.map(({ name, words }) => `${name} ${words}`).join('; ')}`;
      const nextMove = 'retry to measure again, or skip with a reason';
      // Beyond its own limit it fails; only beyond the plan's it is a reason to go back. What noise could explain is none, whatever that limit is.
      if (verdicts.some(({ verdict, low }) => verdict === 'fail' && low * 100 > performancePercent)) {
        throw new RollbackTrigger(fact, `roll back, ${nextMove}`, [...verdicts, ioWait].map(({ name, verdict, words }) => [name, `${verdict}: ${words}`]));
      }
      throw new PermanentFailure(fact, nextMove);
    }
    if ([...verdicts, ioWait].every(({ verdict }) => verdict === 'pass')) await keepProof(attempt, 'performance');
    return { verdicts: [...verdicts.map(({ low, ...shown }) => shown), ioWait], activity: after.activity };
  }),
};

function judgeIoWait(before: readonly number[], after: readonly number[], limit: number): { readonly name: string; readonly verdict: Verdict; readonly words: string } {
  const { verdict, medianBefore, medianAfter, low, high } = judgeDifference(before, after, limit);
  const points = (value: number) => `${value >= 0 ? '+' : ''}${value.toFixed(1)}`;
  const words = `${medianBefore.toFixed(1)} % before, ${medianAfter.toFixed(1)} % after (${points(low)} to ${points(high)} points), limit +${limit} points`;
  return { name: 'I/O wait', verdict, words };
}

async function measure(attempt: Attempt, moment: Moment): Promise<Performance> {
  const source = await needSource(attempt);
  const client = await logIn(attempt);
  const requests = attempt.config.verification.baselineRequests;
  const durations = { operations: [] as number[], download: [] as number[], snapshot: [] as number[] };
  const device = { deviceNumber: await deviceOfData(attempt, moment) };
  const samples = [await attempt.tools.diskActivity.readSample(device)];
  const perPart = Math.max(1, Math.floor(requests / parts));
  for (let number = 0; number < requests; number++) {
    attempt.signal.throwIfAborted();
    const id = `lockstep-${moment}-${attempt.call.runId}-${number}`;
    const uploaded = await client.upload(id);
    if (uploaded.status >= 300) throw new Error(`an operation of the test account was refused (status ${uploaded.status})`);
    durations.operations.push(uploaded.durationMilliseconds);
    durations.download.push((await client.download(0)).durationMilliseconds);
    durations.snapshot.push((await client.snapshot()).durationMilliseconds);
    await client.remove(id);
    if ((number + 1) % perPart === 0 || number === requests - 1) samples.push(await attempt.tools.diskActivity.readSample(device));
    attempt.report({ phase: `measuring ${source.container}`, done: number + 1, total: requests, unit: 'requests' });
  }
  const activityOf = (from: number, to: number) => compareSamples(sampleAt(samples, from), sampleAt(samples, to));
  return {
    endpoints: durations,
    activity: activityOf(0, samples.length - 1),
    ioWaits: samples.slice(1).map((_, part) => activityOf(part, part + 1).ioWaitPercent),
  };
}

function sampleAt(samples: readonly ActivitySample[], index: number): ActivitySample {
  const sample = samples[index];
  if (sample === undefined) throw new Error(`there is no sample ${index} of ${samples.length}`);
  return sample;
}

/** The disk under the data at that moment: the old one's before, the opened volume after. */
async function deviceOfData(attempt: Attempt, moment: Moment): Promise<string> {
  const directory = moment === 'before' ? (await needSource(attempt)).root : volumeLayout(attempt.config).dataDirectory;
  return toDeviceNumber((await stat(directory, { bigint: true })).dev);
}

/** Half of all measurements lie within it (the distance between the quartiles). */
function spread(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
  return at(0.75) - at(0.25);
}
