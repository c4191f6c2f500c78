import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { syncDirectoryOf, syncFile } from '../../host/files/durable.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { ifPresent } from '../../host/failure.js';

const holderSchema = z.strictObject({
  workflowId: z.string(),
  /** Of the first run in a chain: a reset run is another one and has to be looked at. */
  runId: z.string(),
  runbook: z.string(),
  startedBy: z.string(),
  takenAt: z.string(),
});

const claimSchema = holderSchema.extend({
  /** The runs that it comes before, and that have the host again when it has ended; the next one first. */
  lentBy: z.array(holderSchema).optional(),
});

/** A run that may change a host, or may again. */
export type Holder = Readonly<z.infer<typeof holderSchema>>;

/** The right of one run at a time to change a host. */
export type Claim = Readonly<z.infer<typeof claimSchema>>;

/** The claim of a host, a file in its state directory. */
export interface ClaimFile {
  readonly read: () => Promise<Claim | undefined>;
  /** Takes the claim, or tells who holds it; taking it again for the same run changes nothing. */
  readonly take: (claim: Claim) => Promise<{ readonly held: Claim }>;
  /** Gives it up if this run holds it: to the run that it came before, or to nobody. */
  readonly release: (runId: string) => Promise<void>;
  /** Gives it to another run if this one holds it, so that at no moment nobody does; whom it is owed to stays the same, but for the run that gets it now. */
  readonly pass: (runId: string, to: Holder) => Promise<void>;
  /** Gives it to a run that comes first if this one holds it, and that gives it back. */
  readonly lend: (runId: string, to: Holder) => Promise<void>;
}

/** @param stateDirectory - Lockstep's own directory on the host. */
export function createClaimFile(stateDirectory: string): ClaimFile {
  const path = join(stateDirectory, 'claim.json');

  const read = async (): Promise<Claim | undefined> => {
    const text = await ifPresent(readFile(path, 'utf8'));
    return text === undefined ? undefined : claimSchema.parse(JSON.parse(text));
  };

  async function ifHeldBy(runId: string, change: (claim: Claim) => Promise<void>): Promise<void> {
    const held = await read();
    if (held?.runId === runId) await change(held);
  }

  async function replace({ workflowId, runId, runbook, startedBy, takenAt }: Holder, lentBy: readonly Holder[]): Promise<void> {
    const holder = { workflowId, runId, runbook, startedBy, takenAt };
    await rename(await writeDraft(lentBy.length === 0 ? holder : { ...holder, lentBy: [...lentBy] }), path);
    await syncDirectoryOf(path);
  }

  async function writeDraft(claim: Claim): Promise<string> {
    const draft = `${path}.${claim.runId}`;
    await writeFile(draft, `${JSON.stringify(claim, null, 2)}\n`, { mode: 0o600 });
    await syncFile(draft);
    return draft;
  }

  return {
    read,
    async take(claim) {
      await ensureDirectory(stateDirectory, 0o700);
      const draft = await writeDraft(claim);
      try {
        // A hard link is made only where nothing has the name: two runs can not both win.
        await link(draft, path);
        await syncDirectoryOf(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      } finally {
        await rm(draft, { force: true });
      }
      return { held: (await read()) ?? claim };
    },
    release: (runId) =>
      ifHeldBy(runId, async ({ lentBy: [next, ...others] = [] }) => {
        if (next === undefined) {
          await rm(path, { force: true });
          await syncDirectoryOf(path);
        } else {
          await replace(next, others);
        }
      }),
    // One that takes back what it had lent is owed nothing: it would wait for itself.
    pass: (runId, to) => ifHeldBy(runId, ({ lentBy = [] }) => replace(to, lentBy.filter((each) => each.runId !== to.runId))),
    lend: (runId, to) => ifHeldBy(runId, ({ lentBy = [], ...holder }) => replace(to, [holder, ...lentBy])),
  };
}
