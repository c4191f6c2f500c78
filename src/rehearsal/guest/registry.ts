import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PermanentFailure } from '../../contract/errors.js';
import { publishFile } from '../../host/files/atomicFile.js';
import { ifPresent } from '../../host/failure.js';
import { withLock } from '../../host/processes/processLock.js';
import { chooseProcessor, readAllowedProcessors } from './processor.js';
import { isRunning, killGroup, type ProcessIdentity, readProcessIdentity } from './processIdentity.js';

/** Where guests are recorded: gone after the machine's reboot, as they are. */
export const registryDirectory = '/run/lockstep-guests';

const processSchema = z.strictObject({ pid: z.int(), startTime: z.int(), bootId: z.string() });
const entrySchema = z.strictObject({
  /** The process that uses the guest. */
  owner: processSchema,
  /** The image that its disk is laid over. */
  image: z.string(),
  /** The machine's processor that it runs on; older versions noted none. */
  processor: z.int().default(0),
  processes: z.array(processSchema),
});
type Entry = z.infer<typeof entrySchema>;

/** What this process may do with the record of its guest. */
export interface Registration {
  /** See {@link chooseProcessor}. */
  readonly processor: number;
  /** Notes a process before it matters, so that a later start finds it. */
  readonly add: (process: ProcessIdentity) => Promise<void>;
  /** Kills every noted process, and removes the guest's files in the registry's folder. */
  readonly remove: () => Promise<void>;
}

/**
 * Takes a name for a guest of this process, and ends what an earlier owner of the name left behind.
 *
 * @throws {@link PermanentFailure} when the owner of a guest of that name still runs.
 */
export async function register(name: string, image: string, directory = registryDirectory): Promise<Registration> {
  const path = join(directory, `${name}.json`);
  const owner = await readProcessIdentity(process.pid);
  if (owner === undefined) throw new Error(`/proc/${process.pid}/stat can not be read; mount proc`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const processes: ProcessIdentity[] = [];
  // Guests that start at the same moment would all choose the processor that is still free.
  const processor = await withLock('lockstep-guests', takeName);
  return {
    processor,
    add: async (process) => {
      processes.push(process);
      await write(processor);
    },
    remove: async () => {
      await killEach(processes);
      const files = await readdir(directory);
      for (const file of files) if (file.startsWith(`${name}.`)) await rm(join(directory, file), { recursive: true, force: true });
    },
  };

  async function takeName(): Promise<number> {
    const earlier = await readEntry(path);
    if (earlier !== undefined) {
      if (await isRunning(earlier.owner)) {
        throw new PermanentFailure(`the guest ${name} is in use by process ${earlier.owner.pid}`, 'wait until it ends, or give another name');
      }
      await killEach(earlier.processes);
    }
    const inUse = (await readRunning(directory)).map((entry) => entry.processor);
    const chosen = chooseProcessor(inUse, await readAllowedProcessors());
    await write(chosen);
    return chosen;
  }

  async function write(on: number): Promise<void> {
    await publishFile({ path, write: (file) => file.writeFile(JSON.stringify({ owner, image, processor: on, processes })) });
  }
}

/** The folders of images that guests of running processes use. */
export async function readImagesInUse(directory = registryDirectory): Promise<readonly string[]> {
  return (await readRunning(directory)).map(({ image }) => image);
}

/** The guests whose owners run. */
async function readRunning(directory: string): Promise<readonly Entry[]> {
  const names = (await ifPresent(readdir(directory))) ?? [];
  const running: Entry[] = [];
  for (const name of names.filter((candidate) => candidate.endsWith('.json'))) {
    const entry = await readEntry(join(directory, name));
    if (entry !== undefined && (await isRunning(entry.owner))) running.push(entry);
  }
  return running;
}

async function readEntry(path: string): Promise<Entry | undefined> {
  const text = await ifPresent(readFile(path, 'utf8'));
  return text === undefined ? undefined : entrySchema.parse(JSON.parse(text));
}

async function killEach(processes: readonly ProcessIdentity[]): Promise<void> {
  for (const process of processes) await killGroup(process);
}
