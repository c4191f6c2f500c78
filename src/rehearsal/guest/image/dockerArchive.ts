import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Run } from '../../../host/processes/runner.js';

/** How a container of an image starts: the part of the image's configuration that Docker calls Config. */
export interface ContainerConfiguration {
  readonly Env: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd: readonly string[];
  readonly StopSignal?: string;
  readonly WorkingDir?: string;
  readonly Volumes?: Readonly<Record<string, Record<string, never>>>;
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
}

/** One image, made of one layer. */
export interface DockerImage {
  /** For example `postgres:15`. */
  readonly tag: string;
  readonly configuration: ContainerConfiguration;
  /** A tar file. */
  readonly layer: string;
}

/**
 * Writes a file for `docker load`, which is how an image comes to a host that reaches no registry.
 *
 * @param scratch - An empty folder on the layer's filesystem.
 * @param archive - The file to write.
 */
export async function writeDockerArchive({
  run,
  image,
  scratch,
  archive,
}: {
  run: Run;
  image: DockerImage;
  scratch: string;
  archive: string;
}): Promise<void> {
  await mkdir(scratch, { recursive: true });
  await link(image.layer, join(scratch, 'layer.tar'));
  await writeFile(join(scratch, 'config.json'), JSON.stringify(imageConfiguration(image, await digestOf(image.layer))));
  await writeFile(
    join(scratch, 'manifest.json'),
    JSON.stringify([{ Config: 'config.json', RepoTags: [image.tag], Layers: ['layer.tar'] }]),
  );
  await run('tar', ['-C', scratch, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'], { timeout: 'service' });
}

/** The image's configuration as the image specification has it; without a date, so that equal images are equal. */
export function imageConfiguration(image: DockerImage, layerDigest: string) {
  const created = '1970-01-01T00:00:00Z';
  return {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created,
    config: image.configuration,
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
    history: [{ created, created_by: 'lockstep rehearsal' }],
  };
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
