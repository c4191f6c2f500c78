import { join } from 'node:path';
import { ensureTextFile } from '../../host/files/textFile.js';
import { changes, type Attempt } from '../activity.js';
import { readFact } from '../run/runFacts.js';
import { describeDistinctness } from '../run/witnesses.js';
import { ensureApplicationHealthy, ensureDatabaseReady, readHealth } from '../services/ensureServices.js';
import { isOnVolume } from '../services/overlaySelection.js';
import { openAndMount } from '../volume/openVolume.js';
import type { JournalEntry } from '../wrapper/journal.js';
import { keepUnlockingSecret } from '../volume/unlockingSecret.js';
import { presentSecret, proveRole } from './keySlots.js';

/** The recovery key's use, and the report of it. */
export const emergencyAccessActivities = {
  /** Opens the volume with the recovery passphrase where it is closed, and brings the service up. */
  unlockWithRecoveryKey: changes('EMERGENCY_ACCESS', async (attempt) => {
    const name = presentSecret.recovery;
    const passphrase = await attempt.secret(name, 'the recovery passphrase, from the opened envelope');
    const slot = await proveRole(attempt, 'recovery', name, passphrase);
    await keepUnlockingSecret(attempt, name);
    const { opened } = await openAndMount(attempt, { mounted: true });
    if (!(await isOnVolume(attempt))) return { slot, opened, status: 0 };
    await ensureDatabaseReady(attempt);
    await ensureApplicationHealthy(attempt);
    return { slot, opened, status: await readHealth(attempt) };
  }),

  /** The plan's step 5: date, reason, who had the recovery key, what was done. */
  documentEmergencyAccess: changes('EMERGENCY_ACCESS_DOCUMENT', async (attempt) => {
    const file = join(attempt.directory, 'emergency-access.md');
    const entries = await attempt.readJournal();
    const witnesses = decidedAt(entries, 'witnesses');
    const distinctness = await describeDistinctness(attempt, witnesses);
    await ensureTextFile({ path: file, content: await renderReport(attempt, entries, distinctness), mode: 0o600 });
    return { file, ...(witnesses.length === 0 ? {} : { distinctness }) };
  }),
};

/** What counted at a question, in whichever opening. */
function decidedAt(entries: readonly JournalEntry[], question: string) {
  return entries.flatMap((entry) => (entry.kind === 'decision' && entry.outcome === 'counted' && entry.question.split('.')[0] === question ? [entry] : []));
}

async function renderReport(attempt: Attempt, entries: readonly JournalEntry[], distinctness: string): Promise<string> {
  const removed = (await readFact<{ readonly slots: readonly { readonly slot: number; readonly role: string }[] }>(attempt, 'removed-keys'))?.slots ?? [];
  const said = (question: string) => decidedAt(entries, question).map(({ at, by, login, reason = '' }) => `- ${at} ${by}${login === undefined ? '' : ` (login ${login})`}: ${reason}`);
  const endOf = (node: string) => entries.find((entry) => entry.kind === 'ended' && entry.node === node && entry.phase === 'do' && entry.result === 'done');
  const unlocked = endOf('unlock-with-recovery');
  return [
    `# Emergency access to the encrypted volume of ${attempt.config.host}`,
    '',
    `Run ${attempt.call.workflowId}, ${attempt.call.runId}, started by ${attempt.call.startedBy}. Times are ${attempt.config.host}'s, UTC.`,
    '',
    '## Why the operational passphrase was not available',
    '',
    ...said('reason'),
    '',
    '## Witnesses',
    '',
    ...said('witnesses'),
    '',
    distinctness,
    '',
    '## Envelope',
    '',
    ...said('envelope-opened'),
    '',
    '## What was done',
    '',
    unlocked === undefined ? '- the recovery passphrase was not used' : `- ${unlocked.at} the recovery passphrase was used: it opens the volume, and that is open`,
    ...removed.map(({ slot, role }) => `- the old ${role} key was removed (slot ${slot})`),
    endOf('verify-slots') === undefined ? '- NO new keys took the place of the old ones: the recovery key of an envelope that was opened still opens the volume' : '- a new operational and a new recovery passphrase took their places, each proven',
    '',
  ].join('\n');
}
