import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerUntilEnd } from '../../src/rehearsal/answers.js';
import { isIntact } from '../../src/rehearsal/clientVerdict.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { openTestHost, readRecord, startMigration } from './host.js';

/** The real rsync, slow enough that the power goes in its middle; it leaves with what it was called. */
const slowRsync = `#!/bin/sh
[ "$1" = --version ] && exec /usr/bin/rsync --version
echo "$@" >>/run/copies
exec /usr/bin/rsync --bwlimit=6000 "$@"
`;

/**
 * The power of the whole host goes in the middle of the copy, while the copy is verified, and once more when users are back; server
 * and worker come up with it. Its application has no maintenance mode, and is stopped instead.
 */
describe('a power cut with the server inside the host', () => {
  let rehearsal: Rehearsal;

  beforeAll(async () => {
    rehearsal = await openTestHost('e2e-power-cut', { server: 'inside', config: { maintenance: { mode: { kind: 'stop' } } } });
    await rehearsal.startWorker();
    await rehearsal.startSending();
  });
  afterAll(async () => {
    await rehearsal.close();
  });

  it('asks for the passphrase again each time, goes on in its step, and loses nothing', async () => {
    await rehearsal.guest.putFile({ content: slowRsync, to: '/usr/local/bin/rsync', mode: 0o755 });
    const handle = await startMigration(rehearsal);
    let copies = '';
    const left = new Set(['copy-data', 'verify-copy', 'watch-first-hour']);
    const result = await answerUntilEnd<{ state: string }>({ rehearsal, handle }, undefined, async ({ nodes }) => {
      const here = nodes.find(({ id, state }) => left.has(id) && state === 'running');
      if (here === undefined) return;
      // The first files have their names by then.
      if (here.id === 'copy-data' && Number((await rehearsal.guest.exec('sh', ['-c', 'ls /mnt/pg-data-encrypted/pgdata | wc -l'])).stdout) < 5) return;
      left.delete(here.id);
      if (here.id === 'verify-copy') copies = (await rehearsal.guest.exec('cat', ['/run/copies'])).stdout;
      await rehearsal.powerCut();
    });
    expect([...left]).toEqual([]);
    // What the cut left has the right size and time, and perhaps not the right content.
    expect(copies.trim().split('\n')).toEqual([expect.stringContaining('--checksum')]);
    expect(result.state).toBe('succeeded');
    const verdict = await rehearsal.finishSending();
    expect(isIntact(verdict)).toBe(true);
    const record = await readRecord(rehearsal, handle.runId);
    expect(record.nodes.find(({ id }) => id === 'begin-maintenance')?.facts).toEqual([['how', 'the application is stopped']]);
    expect(record.nodes.find(({ id }) => id === 'copy-data')?.attempts).toBe(2);
    for (const node of ['copy-data', 'verify-copy', 'watch-first-hour']) {
      const asked = record.decisions.filter(({ question, outcome }) => question.startsWith(`${node}.secret`) && outcome === 'counted');
      expect(asked).toHaveLength(1);
    }
  });
});
