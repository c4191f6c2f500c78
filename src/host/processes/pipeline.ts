import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { publishFile } from '../files/atomicFile.js';
import { createByteMeter, type ByteMeter, type Measure } from './byteMeter.js';
import { ifPresent } from '../failure.js';
import { startStage, type Stage, type StartedStage } from './pipelineStage.js';
import { CommandFailed, type RunnerSettings } from './runner.js';

/** Programs connected by their standard streams, and where the data comes from and goes. */
export interface Pipeline {
  readonly stages: readonly Stage[];
  /** A file for the first stage's standard input; without it that stage has none. */
  readonly input?: { readonly path: string };
  /**
   * A file that appears under its name only when every stage succeeded and it is on the disk, or
   * `discard` where the last stage consumes the data or only the digest counts.
   */
  readonly output: PipelineFile | 'discard';
  /** Ends every stage. */
  readonly signal?: AbortSignal;
  /** Called as bytes pass: read from the input file, given out by the last stage. */
  readonly onProgress?: (progress: { readonly inputBytes: number; readonly outputBytes: number }) => void;
}

/** The file that a pipeline publishes. */
export interface PipelineFile {
  readonly path: string;
  /** Default 0600. */
  readonly mode?: number;
  /** Whether a file of that name is replaced; default false. */
  readonly replace?: boolean;
}

/** What passed through a pipeline that succeeded. */
export interface PipelineResult {
  readonly sizeBytes: number;
  /** Of what the last stage gave out. */
  readonly sha256: string;
  /** Of the input file; absent without one. */
  readonly input?: Measure;
  /** What each stage gave out; digests only where the stage asked for one. */
  readonly stages: readonly Measure[];
}

/**
 * Runs a pipeline to its end.
 *
 * A stage learns of the end of its input only after the one before it succeeded, so that a consumer
 * such as psql never takes a truncated stream for a whole one; and a stage that fails ends the others,
 * so that the error names the one that failed first.
 *
 * @throws CommandFailed of the stage that failed first, or that ended without reading all of its input;
 * `was cancelled` where a signal ended it. PermanentFailure where the output file exists.
 */
export type RunPipeline = (pipeline: Pipeline) => Promise<PipelineResult>;

/** Pipelines under the same settings as the runner's: control group, signal, log of failures. */
export function createPipeline(settings: RunnerSettings = {}): RunPipeline {
  return async (pipeline) => {
    const { output } = pipeline;
    if (output === 'discard') return connect(settings, pipeline, () => Promise.resolve());
    if (output.replace !== true && (await ifPresent(stat(output.path)))) {
      throw new PermanentFailure(`${output.path} exists already`, 'move it away, or choose another name');
    }
    return publishFile({
      path: output.path,
      mode: output.mode ?? 0o600,
      write: (file) => connect(settings, pipeline, (chunk) => file.appendFile(chunk)),
    });
  };
}

type Consume = (chunk: Uint8Array) => Promise<void>;

async function connect(settings: RunnerSettings, pipeline: Pipeline, consume: Consume): Promise<PipelineResult> {
  const signals = [settings.signal, pipeline.signal].filter((signal) => signal !== undefined);
  const cancelled = AbortSignal.any(signals);
  if (cancelled.aborted) throw cancelledFailure(pipeline);
  const meters = pipeline.stages.map(({ digest }, index) =>
    createByteMeter({ digest: digest === true || index === pipeline.stages.length - 1 }),
  );
  const inputMeter = createByteMeter({ digest: pipeline.input !== undefined });
  const tell = () => pipeline.onProgress?.({ inputBytes: inputMeter.sizeBytes(), outputBytes: meters.at(-1)?.sizeBytes() ?? 0 });
  const stages = pipeline.stages.map((stage, index) =>
    startStage(stage, { controlGroup: settings.controlGroup, hasInput: index > 0 || pipeline.input !== undefined }),
  );
  const failures: unknown[] = [];
  const fail = (failure: unknown) => {
    failures.push(failure);
    if (failures.length === 1) stages.forEach((stage) => { stage.kill(); });
  };
  const cancel = () => { fail(cancelledFailure(pipeline)); };
  cancelled.addEventListener('abort', cancel, { once: true });
  const carried = stages.map((stage, index) =>
    carryOn({ from: stage.output, meter: meters[index], next: stages[index + 1], consume, tell, failed: stage.ended }),
  );
  const [first] = stages;
  if (pipeline.input && first) {
    carried.push(carryOn({ from: createReadStream(pipeline.input.path), meter: inputMeter, next: first, consume, tell }));
  }
  await Promise.all([...carried.map((carry) => carry.catch(fail)), ...stages.map(({ ended }) => ended.then((failure) => failure && fail(failure)))]);
  cancelled.removeEventListener('abort', cancel);
  if (failures.length > 0) {
    const [failure] = failures;
    if (failure instanceof CommandFailed) settings.onFailure?.(failure);
    throw failure;
  }
  return summarise(meters, pipeline.input && inputMeter);
}

/** Moves what one end gives out to the next stage, or out, and passes the end on only after success. */
async function carryOn(link: {
  from: AsyncIterable<Uint8Array>;
  meter: ByteMeter | undefined;
  next: StartedStage | undefined;
  consume: Consume;
  tell: () => void;
  failed?: StartedStage['ended'];
}): Promise<void> {
  for await (const chunk of link.from) {
    link.meter?.add(chunk);
    if (!link.next) await link.consume(chunk);
    else if (!(await link.next.write(chunk))) {
      // Waited for before the stage upstream is stopped, so that its broken pipe is not taken for the cause.
      throw (await link.next.ended) ?? new CommandFailed(link.next.name, 0, 'ended before it had read all of its input', noOutput);
    }
    link.tell();
  }
  if ((await link.failed) === undefined) link.next?.endInput();
}

function summarise(meters: readonly ByteMeter[], inputMeter: ByteMeter | undefined): PipelineResult {
  const stages = meters.map((meter) => meter.read());
  const last = stages.at(-1);
  if (last?.sha256 === undefined) throw new Error('a pipeline has at least one stage');
  return {
    sizeBytes: last.sizeBytes,
    sha256: last.sha256,
    stages,
    ...(inputMeter ? { input: inputMeter.read() } : {}),
  };
}

function cancelledFailure({ stages }: Pipeline): CommandFailed {
  const names = stages.map(({ name, file }) => name ?? file);
  return new CommandFailed(names.join(' | '), undefined, 'was cancelled', noOutput);
}

const noOutput = { stdout: '', stderr: '' };
