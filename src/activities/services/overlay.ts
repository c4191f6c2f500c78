import { dirname, join } from 'node:path';
import { CarryOverVoid, PermanentFailure } from '../../contract/errors.js';
import { addComposeFile, readComposeSelection, removeComposeFile } from '../../host/docker/composeFiles.js';
import { renderOverlay } from '../../host/docker/composeOverlay.js';
import { ensureDirectory } from '../../host/files/ensureDirectory.js';
import { ensureBackup, ensureTextFile, readTextFile } from '../../host/files/textFile.js';
import { changes, type Attempt } from '../activity.js';
import { assertMayReturn } from '../wayBack/carriedSource.js';
import { isOverlaySelected, overlayName, readProject } from './overlaySelection.js';
import { voidStaleCarryOver } from '../wayBack/staleCarryOver.js';
import { readDatabaseOwner } from '../volume/databaseOwner.js';
import { needDeployment } from './deployment.js';
import { volumeLayout } from '../volume/openVolume.js';

/** The switch between the old volume and the new one: one line in `.env`. */
export const overlayActivities = {
  /** Writes the overlay and selects it; without it selected, Compose behaves as it always did. */
  selectOverlay: changes('OVERLAY_SELECT', selectOverlay),

  /** The way back: the compose files that were selected before. */
  deselectOverlay: changes('OVERLAY_DESELECT', async (attempt) => {
    if (await voidStaleCarryOver(attempt)) {
      throw new CarryOverVoid('the database was started on the encrypted volume since what users wrote there was copied: the copy is void', 'it is carried over anew, or given up', [
        ['what was carried over', 'void: the old data directory has its place again'],
      ]);
    }
    await assertMayReturn(attempt);
    const { directory } = attempt.config.deployment;
    const project = await readProject(directory);
    await ensureTextFile({ path: join(directory, '.env'), content: removeComposeFile({ ...project, file: overlayName }) });
    return { composeFile: readComposeSelection(await readProject(directory)).files.join(':') };
  }),
};

/** Where Compose would start the database elsewhere, the overlay is selected again. */
export async function ensureOverlaySelected(attempt: Attempt): Promise<void> {
  if (!(await isOverlaySelected(attempt))) await selectOverlay(attempt);
}

async function selectOverlay(attempt: Attempt): Promise<{ readonly composeFile: string }> {
  const { config, tools } = attempt;
  const { mountTarget } = await needDeployment(attempt);
  const layout = volumeLayout(config);
  const { directory, database } = config.deployment;
  const compose = tools.compose(directory);
  const original = await readProject(directory);
  const base = readComposeSelection(original).files.filter((file) => file !== overlayName);
  const password = await compose.readEnvironmentValue({ service: database.service, name: database.passwordVariable });
  if (password !== undefined && password !== '') {
    await ensureDirectory(dirname(layout.passwordFile), 0o700);
    await ensureTextFile({ path: layout.passwordFile, content: password, mode: 0o400, owner: await readDatabaseOwner(attempt) });
  }
  const secretExists = (await readTextFile(layout.passwordFile)) !== undefined;
  const overlay = renderOverlay({
    base: await compose.readConfig({ files: base.map((file) => join(directory, file)) }),
    databaseService: database.service,
    otherServices: [config.deployment.application.service],
    dataTarget: mountTarget,
    bindSource: layout.dataDirectory,
    ...(secretExists
      ? { password: { variable: database.passwordVariable, secretName: 'postgres_password', secretFile: layout.passwordFile } }
      : {}),
  });
  await ensureTextFile({ path: join(directory, overlayName), content: overlay, mode: 0o644 });
  await ensureBackup({ path: join(directory, '.env'), now: attempt.now() });
  await ensureTextFile({ path: join(directory, '.env'), content: addComposeFile({ ...original, file: overlayName }) });
  await assertUnderstood(attempt);
  const selected = readComposeSelection(await readProject(directory));
  return { composeFile: selected.files.join(':') };
}

/** Compose has to see the database on the volume, whatever else the project's files say. */
async function assertUnderstood({ config, tools }: Attempt): Promise<void> {
  const merged = await tools.compose(config.deployment.directory).readConfig();
  const service = merged.services[config.deployment.database.service];
  const { dataDirectory } = volumeLayout(config);
  if (service?.mounts.some(({ type, source }) => type === 'bind' && source === dataDirectory) === true) return;
  throw new PermanentFailure(`with ${overlayName} selected, Compose does not put the database on ${dataDirectory}`, 'look at docker compose config in the deployment directory');
}
