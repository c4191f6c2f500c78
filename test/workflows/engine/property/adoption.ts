import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adoptLastRun, assertLastRunGoesOn, tellAdoptedRun } from '../../../../src/activities/run/adoption.js';
import type { JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import type { Config } from '../../../../src/config/schema.js';
import type { Call } from '../../../../src/contract/calls.js';
import type { Opened, RunSettings } from '../../../../src/contract/settings.js';
import { opened as openedWith } from '../fakeHost.js';
import type { RunOnModel } from './hostModel.js';

/** Opens and closes the runs of a model, with the code that takes up an earlier run on a real host. */
export interface Adoption {
  /** @throws PermanentFailure where there is nothing to take up. */
  readonly open: (call: Call, args: { readonly nodes: readonly string[] }) => Promise<Opened>;
  readonly close: (state: string, outcome: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** One that another runbook goes back from, also where it was lost on its own way back. */
const forward = 'migrate';
const back = 'rollback';

/** @param runs - Until now; the last one is the one that acts. */
export function createAdoption(runs: readonly RunOnModel[], now: () => Date, settings: Partial<RunSettings>): Adoption {
  let stateDirectory: string | undefined;
  const written = new Set<RunOnModel>();

  const nameOf = (run: RunOnModel) => `${run.kind === 'back' ? back : forward}-${runs.indexOf(run)}`;

  /** Only runs that are taken up need files: the last one is over when the next one opens. */
  async function writeEarlierRuns(): Promise<string> {
    stateDirectory ??= await mkdtemp(join(tmpdir(), 'lockstep-generated-'));
    for (const run of runs) {
      const directory = join(stateDirectory, 'runs', nameOf(run));
      await mkdir(directory, { recursive: true });
      if (run === runs.at(-1) || written.has(run)) continue;
      written.add(run);
      await writeFile(join(directory, 'journal.jsonl'), run.entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    }
    return stateDirectory;
  }

  function attemptOf(run: RunOnModel, state: string) {
    return {
      config: { stateDirectory: state } as Config,
      directory: join(state, 'runs', nameOf(run)),
      now,
      readJournal: () => Promise.resolve(run.entries),
      journal: (...entries: JournalEntry[]) => {
        run.entries.push(...entries);
        return Promise.resolve();
      },
    };
  }

  async function adopt(run: RunOnModel): Promise<Partial<Opened>> {
    if (run.kind === 'first') return {};
    const attempt = attemptOf(run, await writeEarlierRuns());
    if (run.kind === 'back') return { adopted: await adoptLastRun(attempt, forward) };
    await assertLastRunGoesOn(attempt, forward);
    const adopted = await adoptLastRun(attempt, forward, { goesOn: true });
    return { adopted, nodes: adopted.nodes };
  }

  return {
    async open(call, { nodes }) {
      const run = current();
      const earlier = run.entries.find((entry) => entry.kind === 'opened');
      if (earlier !== undefined) return earlier;
      const opened = openedWith({ nodes, settings, ...(await adopt(run)) });
      run.entries.push({ kind: 'opened', at: now().toISOString(), call, ...opened });
      return opened;
    },
    async close(state, outcome) {
      const run = current();
      if (run.kind !== 'first' && state === 'rolled back' && stateDirectory !== undefined) await tellAdoptedRun({ ...attemptOf(run, stateDirectory), call: { runId: nameOf(run) } as Call });
      if (run.entries.some(({ kind }) => kind === 'closed')) return;
      run.entries.push({ kind: 'closed', at: now().toISOString(), state, outcome });
    },
    async remove() {
      if (stateDirectory !== undefined) await rm(stateDirectory, { recursive: true });
    },
  };

  function current(): RunOnModel {
    const run = runs.at(-1);
    if (run === undefined) throw new Error('no run has begun');
    return run;
  }
}
