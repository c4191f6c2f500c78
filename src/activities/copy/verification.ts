import { PermanentFailure, RollbackTrigger } from '../../contract/errors.js';
import { formatCount, formatCountOf } from '../../contract/facts.js';
import { changes, reads } from '../activity.js';
import { latestSequence, logIn } from '../watch/applicationClient.js';
import { keepProof } from '../run/proofs.js';
import { needFact } from '../run/runFacts.js';
import { keepErrorLines, needErrorLines } from '../watch/serviceLogs.js';
import type { StartedFact } from '../services/services.js';

/** The plan's step 9: what works. */
export const verificationActivities = {
  /** Login, an operation up and down, snapshot and restore point as the test account; its operation is removed. */
  verifyService: changes('SERVICE_VERIFIED', async (attempt) => {
    const client = await logIn(attempt);
    const id = `lockstep-check-${attempt.call.runId}`;
    const passed = ['login'];
    const expectOk = (what: string, status: number): void => {
      if (status >= 200 && status < 300) passed.push(what);
      else {
        throw new RollbackTrigger(`${what} failed with status ${status}`, "look at the application's logs, then retry, roll back, or skip with a reason", [
          ['failed', `${what}, with status ${status}`],
          ['passed', passed.length === 0 ? 'nothing' : passed.join(', ')],
        ]);
      }
    };
    const up = await client.upload(id);
    expectOk('operation up', up.status);
    try {
      // An account with a long past would not show its newest operation on the first page.
      const down = await client.download(Math.max(0, latestSequence(up) - 1));
      expectOk('operation down', down.text.includes(id) ? down.status : 404);
      expectOk('snapshot', (await client.snapshot()).status);
      expectOk('restore point', (await client.restorePoint()).status);
    } finally {
      expectOk('operation removed', (await client.remove(id)).status);
    }
    await keepProof(attempt, 'syncOperations');
    return { passed };
  }),

  /** Errors in both logs since the database started on the new volume. */
  assertLogs: reads(async (attempt) => {
    const { since } = await needFact<StartedFact>(attempt, 'started-on-volume');
    const { lines, grave } = await needErrorLines(attempt, since);
    if (lines.length === 0) return { errors: 0, since };
    const file = await keepErrorLines(attempt, 'start', lines);
    const found = `${formatCountOf(lines.length, 'error line')} in the logs since ${since}, kept in ${file}`;
    if (grave > 0) {
      throw new RollbackTrigger(`${found}; ${grave} of them ${grave === 1 ? 'tells' : 'tell'} of damage or of a crash`, 'read them; roll back, or skip this step with what explains them as the reason', [
        ['log lines of damage or of a crash', formatCount(grave)],
        ['error lines', formatCount(lines.length)],
        ['kept in', file],
      ]);
    }
    throw new PermanentFailure(found, 'judge them, then skip this step with what explains them as the reason');
  }),
};
