import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '../host/processes/runner.js';
import { copySparse, holdStill, readProcessIdentity, type Guest } from './guest/index.js';

/** A host and its server outside, as a power cut of both would leave them at one moment. */
export interface Snapshot {
  /** What the host's disk differs by from the image that it was booted from. */
  readonly differences: string;
  /** The database of the Temporal server; of a server in the host it lies on the host's disk. */
  readonly temporal: string;
}

/** The files of the snapshot in a folder. */
export function snapshotIn(folder: string): Snapshot {
  return { differences: join(folder, 'disk.cow'), temporal: join(folder, 'temporal') };
}

/** What a snapshot is taken of. */
export interface SnapshotSettings {
  readonly run: Run;
  readonly guest: Guest;
  /** Absent where it runs in the host. */
  readonly server?: { readonly processId: number; readonly directory: string };
}

/**
 * Takes a snapshot of host and server together: both stand still while they are copied, so that neither
 * knows of what the other does not.
 *
 * @param folder - Emptied first.
 */
export async function takeSnapshot({ run, guest, server }: SnapshotSettings, folder: string): Promise<void> {
  const { differences, temporal } = snapshotIn(folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const identity = server === undefined ? undefined : await readProcessIdentity(server.processId);
  await guest.holdStill((disk) =>
    holdStill(identity, async () => {
      await copySparse(run, disk, differences);
      if (server !== undefined) await cp(server.directory, temporal, { recursive: true });
    }),
  );
}
