import type { RunStatus } from '../contract/status.js';
import { isNoAnswer } from '../worker/serverErrors.js';

/**
 * The options that an answer to a run takes, while it is watched: another run may begin meanwhile, from
 * which on the run has to be named. Looked up anew only where what the run asks, or a run of its own,
 * has changed.
 *
 * @param look - Asks the server which runs are open, and gives the options.
 * @returns A reader for each status that is seen; while the server does not answer it gives what it gave last.
 */
export function createAnswerFlags(look: () => Promise<string>): (status: RunStatus | undefined) => Promise<string> {
  let flags = '';
  let lookedAt: string | undefined;
  return async (status) => {
    const seen = JSON.stringify([status?.questions.map(({ id }) => id), status?.nodes.filter(({ kind }) => kind === 'child').map(({ state }) => state)]);
    if (seen === lookedAt) return flags;
    try {
      flags = await look();
      lookedAt = seen;
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
    }
    return flags;
  };
}
