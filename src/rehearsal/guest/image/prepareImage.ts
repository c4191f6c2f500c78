import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentFailure } from '../../../contract/errors.js';
import type { Run } from '../../../host/processes/runner.js';
import { bootGuest } from '../bootGuest.js';
import { diskOf, type GuestImage } from '../guest.js';
import { projectRoot } from '../projectFiles.js';
import { readImagesInUse } from '../registry.js';
import { applicationConfiguration, applicationTag, makeApplicationLayer } from './applicationLayer.js';
import { makeDisk } from './disk.js';
import { type DockerImage, writeDockerArchive } from './dockerArchive.js';
import { digestOfImage, digestOfPostgresLayer } from './inputs.js';
import { makePostgresLayer, postgresConfiguration } from './postgresLayer.js';
import { writeUpperLayer } from './upperLayer.js';

/** What an image is made from. */
export interface ImageSettings {
  readonly run: Run;
  /** The project's cache folder; images lie in its subfolder `guest`. Not under /tmp. */
  readonly cacheDirectory: string;
  /** One JavaScript file: the application that uses the database. */
  readonly applicationBundle: string;
  /** The program that is `docker compose`; default `bin/docker-compose` in the cache folder. */
  readonly composePlugin?: string;
  /** How large the guest believes its disk to be; only what is written takes room. Default 64. */
  readonly sizeGiB?: number;
  /** Called when the next part of the work begins. */
  readonly onProgress?: (progress: ImageProgress) => void;
}

/** What is being done now. */
export interface ImageProgress {
  readonly title: string;
  /** From 1. */
  readonly step: number;
  readonly steps: number;
}

/**
 * Makes the image that guests boot from, or finds the one that was made from the same things. It holds
 * systemd's configuration, Docker with `postgres:15` and the application's image, and `docker compose`.
 * It appears under its name when it is complete; images made from other things are removed unless a
 * guest uses them.
 *
 * @throws {@link PermanentFailure} when the cache or the project lies where a guest cannot see it, or
 * a program is missing.
 */
export async function prepareImage(settings: ImageSettings): Promise<GuestImage> {
  const { run, cacheDirectory, applicationBundle: bundle, sizeGiB = 64 } = settings;
  for (const path of [cacheDirectory, projectRoot()]) assertVisible(path);
  const composePlugin = settings.composePlugin ?? join(cacheDirectory, 'bin', 'docker-compose');
  if (!existsSync(composePlugin)) {
    throw new PermanentFailure(`${composePlugin} does not exist`, 'run scripts/setup, which builds docker compose');
  }

  const images = join(cacheDirectory, 'guest');
  const digest = await digestOfImage({ run, bundle, composePlugin, sizeGiB });
  const image: GuestImage = { directory: join(images, `base-${digest}`) };
  if (existsSync(diskOf(image))) return image;

  await mkdir(images, { recursive: true });
  const scratch = join(images, `scratch-${process.pid}`);
  const partial: GuestImage = { directory: join(scratch, 'image') };
  const begin = createSteps(settings.onProgress, existsSync(postgresLayerIn(images, await digestOfPostgresLayer())) ? 5 : 6);
  try {
    await mkdir(partial.directory, { recursive: true, mode: 0o700 });
    const postgres = await ensurePostgresLayer();
    begin('packing the application');
    const application = join(scratch, 'application.tar');
    await makeApplicationLayer({ run, bundle, scratch: join(scratch, 'application'), layer: application });

    begin("making the host's disk");
    const tree = join(scratch, 'tree');
    await writeUpperLayer({ run, tree, imageDirectory: partial.directory, composePlugin });
    await makeDisk({ run, disk: diskOf(partial), tree, sizeGiB });

    await loadDockerImages([
      { tag: 'postgres:15', configuration: postgresConfiguration, layer: postgres },
      { tag: applicationTag, configuration: applicationConfiguration, layer: application },
    ]);
    await removeOthers(images, [image.directory, postgres, scratch]);
    await rename(partial.directory, image.directory);
    return image;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }

  async function ensurePostgresLayer(): Promise<string> {
    const layer = postgresLayerIn(images, await digestOfPostgresLayer());
    if (existsSync(layer)) return layer;
    begin('installing PostgreSQL 15 from Debian packages');
    const unfinished = join(scratch, 'postgres.tar');
    await makePostgresLayer({ run, scratch: join(scratch, 'postgres'), layer: unfinished });
    await rename(unfinished, layer);
    return layer;
  }

  async function loadDockerImages(dockerImages: readonly DockerImage[]): Promise<void> {
    begin('booting the host');
    // Outside the scratch folder: when it does not boot, its console has to be there to be read.
    const directory = join(images, 'builder');
    const guest = await bootGuest({ run, image: partial, directory, name: 'image', writesToImage: true });
    try {
      for (const dockerImage of dockerImages) {
        begin(`loading ${dockerImage.tag}`);
        // A name of its own: the guest remembers what a name on the machine's disk led to.
        const archive = join(scratch, `archive-${dockerImage.tag}.tar`);
        await writeDockerArchive({ run, image: dockerImage, scratch: join(scratch, `archive-${dockerImage.tag}`), archive });
        await guest.expect('docker', ['load', '--quiet', '--input', archive], { timeoutSeconds: 600 });
        await rm(archive);
      }
      await guest.shutDown();
    } finally {
      await guest.destroy();
    }
  }
}

function createSteps(onProgress: ImageSettings['onProgress'], steps: number): (title: string) => void {
  let step = 0;
  return (title) => {
    step += 1;
    onProgress?.({ title, step, steps });
  };
}

function postgresLayerIn(images: string, digest: string): string {
  return join(images, `postgres-${digest}.tar`);
}

function assertVisible(path: string): void {
  if (/^\/(tmp|run|proc|sys|dev)\//.test(`${path}/`)) {
    throw new PermanentFailure(`${path} is not visible in a guest, which has folders of its own there`, 'move it to another folder');
  }
}

/** Scratch folders of killed runs go too, and whatever was made from earlier sources. */
async function removeOthers(images: string, kept: readonly string[]): Promise<void> {
  const inUse = new Set([...kept, ...(await readImagesInUse())]);
  for (const name of await readdir(images)) {
    const path = join(images, name);
    if (/^(base|postgres|scratch)-/.test(name) && !inUse.has(path)) await rm(path, { recursive: true, force: true });
  }
}
