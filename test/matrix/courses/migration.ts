import { hostConfig } from '../../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../../src/rehearsal/rehearsal.js';
import { migrate } from '../../../src/workflows/migrate.js';
import { verificationGate } from '../../../src/workflows/migrate/copy.js';
import { rollback } from '../../../src/workflows/rollback.js';
import type { Course } from './course.js';
import { readData, readHostParts, volumeFile } from './hostParts.js';

/** A migration to its end, the rollback from it with what users wrote, and a migration that is left where nobody has written on its volume yet. */
export const migration: Course = {
  name: 'migration',
  title: 'A migration, its rollback, and a migration that is left',
  words:
    'Every place of a migration, of the rollback that carries over what users wrote, and of the way back of a migration that is left before its switch. ' +
    'Compared at the end of each run: ' +
    'the states of all nodes, the key slots, what Compose has selected, the digests of every row that the client had not sent, each audit event once, no acknowledged operation lost, nothing left behind.',
  config: () => {
    const { maintenance } = hostConfig({ firstHourSeconds: 0, daySeconds: 0 });
    // It lies ahead, so that the wait for it is a place too.
    const window = { opensAt: new Date(Date.now() + 24 * 3600 * 1000).toISOString() };
    return { maintenance: { ...(maintenance as object), window }, backup: { filesystemCopy: 'pg_basebackup' } };
  },
  runs: [
    { runbook: migrate, ends: 'succeeded', prepare: removeOldVolume, sends: true },
    { runbook: rollback, ends: 'rolled back' },
    { runbook: migrate, noGoAt: verificationGate.id, ends: 'rolled back', prepare: removeOldVolume },
  ],
  longNodes: new Set(['copy-data', 'verify-copy', 'carry-over-copy', 'carry-over-verify']),
  countedPlaces: ['migrate/copy-data', 'migrate/verify-copy', 'rollback/carry-over-copy', 'rollback/carry-over-verify'],
  readHost: async (rehearsal) => ({ ...(await readHostParts(rehearsal, ['slots', 'compose', 'leftovers'])), data: await readData(rehearsal) }),
};

/** A volume that an earlier migration left is kept for investigation; whoever migrates again has moved it away. */
async function removeOldVolume({ guest }: Rehearsal): Promise<void> {
  await guest.expect('rm', ['--force', volumeFile]);
}
