import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal, readJournal, type Entry, type Journal } from '../../../../../src/rehearsal/deployment/client/journal.js';
import { sendOperations } from '../../../../../src/rehearsal/deployment/client/sending.js';
import type { Service, UploadOutcome } from '../../../../../src/rehearsal/deployment/client/service.js';
import { summarise } from '../../../../../src/rehearsal/deployment/client/summary.js';

let directory: string;
let journalFile: string;
const journals: Journal[] = [];
const openForTest = async () => {
  const journal = await openJournal(journalFile);
  journals.push(journal);
  return journal;
};
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-client-'));
  journalFile = join(directory, 'journal');
});
afterEach(async () => {
  await Promise.all(journals.splice(0).map((journal) => journal.close()));
  await rm(directory, { recursive: true, force: true });
});

/** A service that gives the outcomes in order, then acknowledges and aborts. */
function scripted(outcomes: readonly ('refused' | 'unanswered' | 'acknowledged')[], stop: AbortController) {
  const uploads: string[][] = [];
  const service: Service = {
    upload: (_clientId, ops) => {
      const ids = ops.map(({ id }) => id);
      const kind = outcomes[uploads.length] ?? 'acknowledged';
      uploads.push(ids);
      if (uploads.length > outcomes.length) stop.abort();
      return Promise.resolve<UploadOutcome>(kind === 'acknowledged' ? { kind, ids } : { kind, reason: 'scripted' });
    },
    download: () => Promise.reject(new Error('not asked for')),
  };
  return { service, uploads };
}

describe('sendOperations', () => {
  it('sends a batch again with the same ids until it is acknowledged', async () => {
    const stop = new AbortController();
    const { service, uploads } = scripted(['unanswered', 'refused', 'acknowledged'], stop);
    const summary = await sendOperations({ service, journal: await openForTest(), stop: stop.signal, intervalMilliseconds: 1 });
    expect(uploads[0]).toEqual(uploads[1]);
    expect(uploads[1]).toEqual(uploads[2]);
    expect(uploads[3]).not.toEqual(uploads[2]);
    expect(summary).toMatchObject({ sent: 2, acknowledged: 2, refused: 1, unanswered: 1 });
  });

  it('goes on after being killed: what was sent and not acknowledged is sent first, numbers go on', async () => {
    const id = (number: number) => `client-x-${number}`;
    const entries: Entry[] = [
      { kind: 'began', at: 1, clientId: 'client-x' },
      { kind: 'sent', at: 2, ids: [id(0)] },
      { kind: 'acknowledged', at: 3, ids: [id(0)] },
      { kind: 'sent', at: 4, ids: [id(1)] },
    ];
    await writeFile(journalFile, entries.map((entry) => `${JSON.stringify(entry)}\n`).join('') + '{"kind":"ackno');
    const stop = new AbortController();
    const { service, uploads } = scripted(['acknowledged'], stop);
    const summary = await sendOperations({ service, journal: await openForTest(), stop: stop.signal, intervalMilliseconds: 1 });
    expect(uploads).toEqual([[id(1)], [id(2)]]);
    expect(summary).toMatchObject({ sent: 3, acknowledged: 3 });
    expect(summarise(await readJournal(journalFile))).toEqual(summary);
  });

  it('gives up the last batch when the service stays away after a stop, and says so', async () => {
    const stop = new AbortController();
    const goesAway: Service['upload'] = () => {
      stop.abort();
      return Promise.resolve({ kind: 'unanswered', reason: 'away' });
    };
    const service: Service = { ...scripted([], stop).service, upload: goesAway };
    const journal = await openForTest();
    expect(await sendOperations({ service, journal, stop: stop.signal, intervalMilliseconds: 1, finishSeconds: 0.05 })).toMatchObject({ sent: 1, acknowledged: 0 });
  });

  it('ends when the stop is asked for by other means', async () => {
    const { service } = scripted([], new AbortController());
    let asked = 0;
    const shouldStop = () => Promise.resolve((asked += 1) > 3);
    const journal = await openForTest();
    expect(await sendOperations({ service, journal, stop: new AbortController().signal, shouldStop, intervalMilliseconds: 1 })).toMatchObject({ sent: 3, acknowledged: 3 });
  });
});
