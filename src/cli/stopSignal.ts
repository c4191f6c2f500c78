/** What a shell reports of a program that Ctrl-C ended. */
const interrupted = 130;

/**
 * Aborts at the first Ctrl-C or SIGTERM, so that what runs can end in order. A second one ends the
 * process at once.
 *
 * The handlers stay: while there is one, the libraries that end child processes leave the signal to it.
 *
 * @param hangUp - Also when the terminal is closed. Not for what serves a host: a handler would undo
 * `nohup`, under which it is meant to outlive its terminal.
 */
export function stopSignal({ hangUp = false }: { readonly hangUp?: boolean } = {}): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', ...(hangUp ? (['SIGHUP'] as const) : [])] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(interrupted);
      controller.abort();
    });
  }
  return controller.signal;
}
