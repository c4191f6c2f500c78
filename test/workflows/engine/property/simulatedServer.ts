import { defaultPayloadConverter } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type proto from '@temporalio/proto';
import { memoKey } from '../../../../src/contract/names.js';
import type { CompactStatus } from '../../../../src/contract/status.js';
import type { RunResult } from '../../../../src/contract/status.js';
import { bundleForTest } from '../../compiled.js';
import { type Activity, cancelled, completed, failed, retryDelay, toActivity } from './attempts.js';
import type { ServedRun, Server, Surroundings } from './server.js';
import { type Command, type CompletedTask, createWorkflowRuntime, type Instance, type Job, payloadsOf, type Task, type WorkflowRuntime } from './workflowRuntime.js';

/** The first moment of every run. */
const beginning = Date.UTC(2026, 0, 1);
/** More than any run needs: one that goes round in circles is to be told from a long one. */
const mostMoves = 5000;

/**
 * A server that skips time, and chooses by chance what comes first of all that may come next: the
 * workers of a run die between and within their tasks, answers arrive together or late, and time
 * passes before a person speaks. The same chance gives the same run.
 *
 * Temporal's own server that skips time cannot stand here: a run hangs in it for ever where `rollback`
 * cancels an activity, or an answer a timer, that ends during the same workflow task
 * (https://github.com/temporalio/sdk-java/issues/2391, https://github.com/temporalio/sdk-java/issues/3088).
 *
 * @param workflowsUrl - Exports what workflows.ts does.
 */
export async function createSimulatedServer(workflowsUrl = new URL('./workflows.ts', import.meta.url)): Promise<Server> {
  const bundle = await bundleForTest(workflowsUrl, ['zod', '@temporalio/workflow']);
  const runtime = await createWorkflowRuntime(bundle);
  let count = 0;
  return {
    start: (workflowType, args, surroundings, chance) => Promise.resolve(simulate(runtime, `generated-${(count += 1)}`, workflowType, args, surroundings, chance)),
    stop: () => runtime.stop(),
  };
}

/** One thing that may come next, and how readily it does. */
interface Move {
  readonly weight: number;
  readonly make: () => void | Promise<void>;
}

function simulate(runtime: WorkflowRuntime, runId: string, workflowType: string, args: readonly unknown[], surroundings: Surroundings, chance: () => number): ServedRun {
  let now = beginning;
  let news: Job[] = [
    { initializeWorkflow: { workflowType, workflowId: runId, arguments: payloadsOf(args), randomnessSeed: 1 as never, firstExecutionRunId: runId, attempt: 1 } },
  ];
  const history: CompletedTask[] = [];
  let instance: Instance | undefined;
  let inHand: { readonly task: Task; readonly done: CompletedTask } | undefined;
  const timers = new Map<number, number>();
  const activities = new Map<number, Activity>();
  const hesitating: (() => void)[] = [];
  let end: { readonly result?: RunResult; readonly failure?: string } | undefined;

  async function beginTask(): Promise<void> {
    const task = { jobs: news.splice(0), at: now };
    if (instance === undefined) {
      instance = await runtime.create(workflowType, runId, beginning);
      await instance.replay(history);
    }
    inHand = { task, done: await instance.perform(task) };
  }

  async function completeTask({ task, done }: NonNullable<typeof inHand>): Promise<void> {
    inHand = undefined;
    const ends = done.commands.some((command) => (command.completeWorkflowExecution ?? command.failWorkflowExecution) !== undefined);
    // A server takes no end of a run that has not seen what has arrived meanwhile.
    if (ends && news.length > 0) return loseWorker(task);
    history.push(done);
    for (const command of done.commands) follow(command);
  }

  /** What it had in hand is given to the next one, with what has arrived meanwhile. */
  async function loseWorker(task = inHand?.task): Promise<void> {
    news = [...(task?.jobs ?? []), ...news];
    inHand = undefined;
    await instance?.forget();
    instance = undefined;
  }

  function follow(command: Command): void {
    const { startTimer, cancelTimer, scheduleActivity, requestCancelActivity, modifyWorkflowProperties, completeWorkflowExecution, failWorkflowExecution } = command;
    if (startTimer) timers.set(startTimer.seq ?? 0, now + tsToMs(startTimer.startToFireTimeout));
    else if (cancelTimer) cancelTimerOf(cancelTimer.seq ?? 0);
    else if (scheduleActivity) activities.set(scheduleActivity.seq ?? 0, toActivity(scheduleActivity, now));
    else if (requestCancelActivity) cancelActivity(activities.get(requestCancelActivity.seq ?? 0));
    else if (modifyWorkflowProperties) hearMemo(modifyWorkflowProperties.upsertedMemo?.fields?.[memoKey]);
    else if (completeWorkflowExecution) end = { result: defaultPayloadConverter.fromPayload<RunResult>(completeWorkflowExecution.result ?? {}) };
    else if (failWorkflowExecution) end = { failure: failWorkflowExecution.failure?.message ?? '' };
    else if (!command.upsertWorkflowSearchAttributes) throw new Error(`the simulated server does not know ${Object.keys(command).join(', ')}`);
  }

  /** Where it has fired and nobody has heard of it, it never did. */
  function cancelTimerOf(seq: number): void {
    timers.delete(seq);
    news = news.filter(({ fireTimer }) => fireTimer?.seq !== seq);
  }

  function cancelActivity(activity: Activity | undefined): void {
    // It has ended already, and the run is about to hear of it.
    if (activity === undefined) return;
    if (activity.isRunning) activity.isCancelled = true;
    else resolve(activity, cancelled(activity));
  }

  function hearMemo(payload: proto.temporal.api.common.v1.IPayload | undefined): void {
    if (payload) surroundings.hear(defaultPayloadConverter.fromPayload<CompactStatus>(payload));
  }

  function resolve(activity: Activity, job: Job): void {
    activities.delete(activity.seq);
    news.push(job);
  }

  async function beginAttempt(activity: Activity): Promise<void> {
    activity.isRunning = true;
    await surroundings.arrive(activity.name, activity.call, activity.args);
  }

  async function endAttempt(activity: Activity): Promise<void> {
    const hears = activity.isCancelled && chance() < 0.7;
    const cutOff = hears ? (chance() < 0.5 ? 'cut off early' : 'cut off late') : undefined;
    try {
      resolve(activity, completed(activity, await surroundings.act(activity.name, activity.call, activity.args, cutOff)));
    } catch (error) {
      const delay = retryDelay(activity, error);
      if (hears) resolve(activity, cancelled(activity));
      else if (delay === undefined) resolve(activity, failed(activity, error));
      else Object.assign(activity, { isRunning: false, attempt: activity.attempt + 1, beginsAt: now + delay });
    }
  }

  function passTime(): void {
    const waiting = [...activities.values()].filter(({ isRunning, beginsAt }) => !isRunning && beginsAt > now).map(({ beginsAt }) => beginsAt);
    now = Math.max(now, Math.min(...timers.values(), ...waiting));
    for (const [seq, at] of [...timers]) {
      if (at > now) continue;
      timers.delete(seq);
      news.push({ fireTimer: { seq } });
    }
  }

  function movesNow(): readonly Move[] {
    const task = inHand;
    const running = [...activities.values()].filter(({ isRunning }) => isRunning);
    const next = [...activities.values()].filter(({ isRunning }) => !isRunning);
    const moves: Move[] = [
      ...(task === undefined ? [] : [{ weight: 6, make: () => completeTask(task) }]),
      ...(task === undefined && news.length > 0 ? [{ weight: 6, make: beginTask }] : []),
      ...next.filter(({ beginsAt }) => beginsAt <= now).map((activity) => ({ weight: 6, make: () => beginAttempt(activity) })),
      // What a host does takes longer than what a workflow does.
      ...running.map((activity) => ({ weight: 2, make: () => endAttempt(activity) })),
      ...(hesitating.length > 0 ? [{ weight: 3, make: () => hesitating.shift()?.() }] : []),
    ];
    const isAnythingDue = timers.size > 0 || next.some(({ beginsAt }) => beginsAt > now);
    if (isAnythingDue) moves.push({ weight: moves.length === 0 ? 1 : 0.3, make: passTime });
    if (moves.length > 0 && instance !== undefined) moves.push({ weight: 0.2, make: () => loseWorker() });
    return moves;
  }

  async function goOn(): Promise<void> {
    for (let moves = 0; end === undefined; moves += 1) {
      const possible = movesNow();
      if (possible.length === 0) throw new Error('the run waits for something that does not come');
      if (moves > mostMoves) throw new Error('the run does not end');
      await choose(possible, chance()).make();
      // Whoever hears of it speaks before anything else happens.
      await new Promise(setImmediate);
    }
  }

  return {
    signal(signalName, argument) {
      if (end === undefined) news.push({ signalWorkflow: { signalName, input: payloadsOf([argument]) } });
      return Promise.resolve();
    },
    cancel() {
      if (end === undefined) news.push({ cancelWorkflow: { reason: '' } });
      return Promise.resolve();
    },
    lose() {
      end = {};
      return Promise.resolve();
    },
    hesitate: () => new Promise((go) => hesitating.push(go)),
    async result() {
      try {
        await goOn();
      } finally {
        for (const go of hesitating.splice(0)) go();
        await instance?.forget();
      }
      if (end?.failure !== undefined) throw new Error(end.failure);
      return end?.result;
    },
  };
}

function choose(moves: readonly Move[], chance: number): Move {
  let left = chance * moves.reduce((sum, { weight }) => sum + weight, 0);
  for (const move of moves) {
    left -= move.weight;
    if (left < 0) return move;
  }
  const last = moves.at(-1);
  if (last === undefined) throw new Error('nothing to choose from');
  return last;
}
