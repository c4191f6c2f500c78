import { pino, type Logger } from 'pino';
import { DefaultLogger, type LogEntry, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';

export type { Logger } from 'pino';

/** Lines for systemd's journal, one JSON object each, on standard error. */
export function createLog(level: 'debug' | 'info' | 'warn' = 'info'): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}

/**
 * Sends what the SDK logs through Lockstep's log. To be called once in a process, before any worker.
 *
 * @returns What ends the runtime. It ends by itself with its last connection; one that never had any
 * would keep the process alive for ever.
 */
export function installRuntime(log: Logger): { readonly close: () => Promise<void> } {
  const runtime = Runtime.install({
    logger: new DefaultLogger('WARN', createLogEntry(log)),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }) } },
    // A signal may arrive before there is a worker, and the server has to outlive it: the command decides.
    shutdownSignals: [],
  });
  return { close: () => runtime.shutdown() };
}

const keptFields = ['workflowId', 'runId', 'workflowType', 'activityId', 'activityType', 'attempt', 'taskQueue'];

/**
 * The SDK hands over whatever an activity threw, with its stack and whatever properties its author
 * hung on it. Only a failure that the wrapper made is quoted: its message was made to be shown.
 */
export function toLogFields(meta: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of keptFields) if (meta[name] !== undefined) fields[name] = meta[name];
  const { error } = meta;
  if (error instanceof ApplicationFailure) {
    fields['failure'] = error.message;
    fields['failureType'] = error.type;
  } else if (error instanceof Error) {
    fields['failure'] = error.name;
  } else if (typeof error === 'string') {
    // From the SDK's core: what the server answered.
    fields['failure'] = error.slice(0, 500);
  }
  return fields;
}

const levels = { TRACE: 'debug', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Queues of their own for workflows and for activities are what is wanted. */
const expected = /^No (workflows|activities|Nexus services) registered/;

/** While the server is away, each of a dozen pollers says so at each of its attempts. */
const repeated = /^gRPC call .* retried/;
const repeatedAtMostEveryMilliseconds = 60_000;

/** Hands the SDK's own lines on, apart from what is expected and from what is said again and again. */
export function createLogEntry(log: Logger, now: () => number = Date.now): (entry: Pick<LogEntry, 'level' | 'message' | 'meta'>) => void {
  let quietUntil = 0;
  return ({ level, message, meta }) => {
    if (expected.test(message)) return;
    if (repeated.test(message)) {
      if (now() < quietUntil) return;
      quietUntil = now() + repeatedAtMostEveryMilliseconds;
    }
    log[levels[level]](toLogFields(meta), message);
  };
}
