/** What a shell reports of a program that Ctrl-C ended. */
const interrupted = 130;

/**
 * Aborts at the first Ctrl-C or SIGTERM, or when the terminal is closed, so that what runs can end in order. A second one ends the
 * process at once.
 *
 * The handlers stay: while there is one, the libraries that end child processes leave the signal to it.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(interrupted);
      controller.abort();
    });
  }
  return controller.signal;
}
