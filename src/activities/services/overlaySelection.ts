import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { readComposeSelection } from '../../host/docker/composeFiles.js';
import { ifPresent } from '../../host/failure.js';
import { readTextFile } from '../../host/files/textFile.js';
import type { Attempt } from '../activity.js';

/** The overlay's file, in the deployment's directory. */
export const overlayName = 'docker-compose.encrypted.yaml';

/** Whether Compose would start the database on the encrypted volume. */
export async function isOverlaySelected({ config }: Pick<Attempt, 'config'>): Promise<boolean> {
  return readComposeSelection(await readProject(config.deployment.directory)).files.includes(overlayName);
}

/** The same, on a host that may have no deployment yet: there nothing is selected. */
export async function isOnVolume(attempt: Pick<Attempt, 'config'>): Promise<boolean> {
  return (await ifPresent(isOverlaySelected(attempt))) ?? false;
}

/** @throws {@link PermanentFailure} where Compose would start the database on the encrypted volume, and not on the old one. */
export async function assertOverlayDeselected(attempt: Pick<Attempt, 'config'>): Promise<void> {
  if (!(await isOverlaySelected(attempt))) return;
  throw new PermanentFailure(
    `${join(attempt.config.deployment.directory, '.env')} still selects ${overlayName}: the database would start on the encrypted volume, and not on the old one`,
    `take ${overlayName} out of COMPOSE_FILE there, then retry`,
  );
}

/** What Compose's selection of files depends on. */
export async function readProject(directory: string): Promise<{ readonly fileNames: readonly string[]; readonly environmentText: string }> {
  return {
    fileNames: await readdir(directory),
    environmentText: (await readTextFile(join(directory, '.env'))) ?? '',
  };
}
