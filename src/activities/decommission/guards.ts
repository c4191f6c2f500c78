import { lstat } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { toDeviceNumber } from '../../host/disks/deviceNumber.js';
import { walkTree } from '../../host/files/directoryTree.js';
import { readDigest } from '../../host/files/fileDigest.js';
import { ifPresent } from '../../host/failure.js';
import { isWithin } from '../../host/files/paths.js';
import { assertIs } from '../../host/files/treeRemoval.js';
import type { Attempt } from '../activity.js';
import { findObstacle } from './listing.js';
import { measureCopy, type Copy } from './measuredCopy.js';
import { isOverlaySelected } from '../services/overlaySelection.js';
import { assertOpenFilesOnVolume } from '../volume/openFilesOnVolume.js';
import { ensureDatabaseReady } from '../services/ensureServices.js';
import { createClaimFile } from '../wrapper/claim.js';

/** @throws {@link PermanentFailure} where the service is not shown to run on the encrypted volume. */
export async function assertServiceOnVolume(attempt: Attempt): Promise<{ openFiles: number }> {
  const nextMove = 'nothing is removed while the database may need the old data: put the service onto the encrypted volume, then retry';
  if (!(await isOverlaySelected(attempt))) throw new PermanentFailure('the deployment does not select the encrypted volume in its .env', nextMove);
  await ensureDatabaseReady(attempt);
  return assertOpenFilesOnVolume(attempt, nextMove);
}

/** @throws {@link PermanentFailure} naming the container or process that uses one of the copies. */
export async function assertNobodyHolds({ tools }: Pick<Attempt, 'tools'>, copies: readonly Copy[]): Promise<{ processes: number }> {
  for (const id of await tools.docker.readContainerIds()) {
    const container = await tools.docker.readContainer(id);
    // Monitors mount the whole host to look at it; what they hold open is seen below.
    const mount = container?.mounts.find(({ source, isReadOnly }) => copies.some(({ path }) => isWithin(source, path) || (!isReadOnly && isWithin(path, source))));
    if (container?.isRunning === true && mount !== undefined) {
      throw new PermanentFailure(`container ${container.name} runs with ${mount.source} mounted`, 'stop it, or give it another volume; then retry');
    }
  }
  const inodes = await readInodes(copies);
  const pids = await tools.openFiles.readProcesses();
  const held = (await tools.openFiles.readOpenFiles({ pids })).find(({ deviceNumber, inode }) => inodes.has(`${deviceNumber} ${inode}`));
  if (held !== undefined) {
    const via = held.via === 'workingDirectory' ? 'as its working directory' : 'open';
    throw new PermanentFailure(`process ${held.pid} has ${held.path} ${via}, which is to be removed`, `look what it is (ps ${held.pid}), end it, then retry`);
  }
  return { processes: pids.length };
}

/** @throws {@link PermanentFailure} where a copy is no longer what people agreed to remove. */
export async function assertAsListed(attempt: Attempt, copies: readonly Copy[]): Promise<void> {
  for (const copy of copies) {
    await assertIs(copy.path, copy.identity);
    const obstacle = await findObstacle(attempt, copy);
    if (obstacle !== undefined) throw new PermanentFailure(`${copy.path} cannot be removed any more: ${obstacle}`, 'list anew with a run of its own');
    // A start that wrote little changes neither the number of files nor their sizes.
    if (copy.control !== undefined && (await ifPresent(readDigest({ file: copy.control.path }))) !== copy.control.digest) {
      throw new PermanentFailure(
        `${copy.path} was started since it was listed (${copy.control.path} has other bytes): it may hold writes that nothing else holds`,
        'look what was written there and bring it over to the encrypted volume; then list anew with a run of its own',
      );
    }
    const { files, sizeBytes } = await measureCopy(copy);
    if (files !== copy.files || sizeBytes !== copy.sizeBytes) {
      throw new PermanentFailure(
        `${copy.path} has changed since it was listed (${copy.files} files of ${copy.sizeBytes} bytes then, ${files} of ${sizeBytes} now)`,
        'somebody writes there: find out who, then list anew with a run of its own',
      );
    }
  }
}

/** @throws {@link PermanentFailure} where the host is not this run's any more. */
export async function assertStillOurs({ config, call }: Pick<Attempt, 'config' | 'call'>): Promise<void> {
  const held = await createClaimFile(config.stateDirectory).read();
  if (held?.runId !== call.runId) throw new PermanentFailure('the claim of this host is not held by this run any more', 'look at lockstep status: another run has taken the host over');
}

async function readInodes(copies: readonly Copy[]): Promise<ReadonlySet<string>> {
  const inodes = new Set<string>();
  for (const { path, isDirectory } of copies) {
    const root = await ifPresent(lstat(path, { bigint: true }));
    if (root === undefined) continue;
    for await (const { stats } of isDirectory ? walkTree({ directory: path }) : [{ stats: root }]) inodes.add(`${toDeviceNumber(stats.dev)} ${stats.ino}`);
  }
  return inodes;
}
