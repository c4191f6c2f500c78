import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

let quiet = false;

/** Lets the SDK tell of errors only, to be called before anything of it starts. */
export function quietenRuntime(): void {
  // A runtime is installed once in a process.
  if (quiet) return;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
  quiet = true;
}
