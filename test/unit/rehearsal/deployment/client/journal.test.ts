import { appendFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openJournal, readJournal } from '../../../../../src/rehearsal/deployment/client/journal.js';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-journal-'));
  file = join(directory, 'made', 'journal');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const began = { kind: 'began', at: 1, clientId: 'client-x' } as const;

it('is read back as it was written', async () => {
  const journal = await openJournal(file);
  await journal.append(began);
  await journal.append({ kind: 'acknowledged', at: 2, ids: ['client-x-0'] });
  await journal.close();
  expect(await readJournal(file)).toEqual([began, { kind: 'acknowledged', at: 2, ids: ['client-x-0'] }]);
});

it('loses a torn last line, and goes on after the whole ones', async () => {
  const first = await openJournal(file);
  await first.append(began);
  await first.close();
  await appendFile(file, '{"kind":"stopp');
  const second = await openJournal(file);
  expect(second.earlier).toEqual([began]);
  await second.append({ kind: 'stopped', at: 3 });
  await second.close();
  expect(await readJournal(file)).toEqual([began, { kind: 'stopped', at: 3 }]);
});

it('proves nothing when a line in its middle is damaged, and is left as it is', async () => {
  await (await openJournal(file)).close();
  await writeFile(file, `${JSON.stringify(began)}\ndamaged\n{"kind":"stopped","at":2}\n`);
  const before = await stat(file);
  await expect(readJournal(file)).rejects.toThrow("line 2 of the client's journal is no entry");
  await expect(openJournal(file)).rejects.toThrow("line 2 of the client's journal is no entry");
  expect((await stat(file)).mtimeMs).toBe(before.mtimeMs);
});
