import { createBlockDevices } from './disks/blockDevices.js';
import { createCompose } from './docker/compose.js';
import { createCryptsetup } from './luks/cryptsetup.js';
import { createDeviceMapper } from './disks/deviceMapper.js';
import { createDeviceContents } from './disks/deviceContents.js';
import { createDiskActivity } from './disks/diskActivity.js';
import { createDocker, dockerSocketPath } from './docker/docker.js';
import { createDockerEvents } from './docker/dockerEvents.js';
import { createThrowaways } from './docker/dockerThrowaway.js';
import { createFilesystem } from './disks/filesystem.js';
import { createGpg } from './gpg/gpg.js';
import { createRequest } from './http.js';
import { createKernelLog } from './kernelLog.js';
import { createLogins } from './logins.js';
import { createLoopDevice } from './disks/loopDevice.js';
import { createMounts } from './disks/mounts.js';
import { createOpenFiles } from './disks/openFiles.js';
import { createPipeline } from './processes/pipeline.js';
import { createPostgres } from './postgres/postgres.js';
import { createRsync } from './files/rsync.js';
import type { Run, RunnerSettings } from './processes/runner.js';
import { createSignatures } from './signatures.js';
import { createSystem } from './system.js';
import { createThroughput } from './disks/throughput.js';
import { createVolumeFile } from './disks/volumeFile.js';

/** The tools of a host over one runner: what they start lives and ends together. */
export function createHostTools({ run, signal, controlGroup, onFailure }: {
  run: Run;
  signal: AbortSignal;
  controlGroup: string | undefined;
  /** Told what a failed stage of a pipeline said; the runner has its own. */
  onFailure: NonNullable<RunnerSettings['onFailure']>;
}) {
  const pipeline = createPipeline({ signal, onFailure, ...(controlGroup === undefined ? {} : { controlGroup }) });
  const docker = createDocker({ run, socketPath: dockerSocketPath });
  return {
    run,
    pipeline,
    blockDevices: createBlockDevices(),
    compose: (projectDirectory: string) => createCompose({ run, projectDirectory }),
    cryptsetup: createCryptsetup({ run }),
    deviceMapper: createDeviceMapper({ run }),
    deviceContents: createDeviceContents({ run }),
    diskActivity: createDiskActivity(),
    docker,
    dockerEvents: createDockerEvents({ run }),
    throwaways: createThrowaways({ run, docker }),
    filesystem: createFilesystem({ run }),
    gpg: createGpg({ runPipeline: pipeline }),
    kernelLog: createKernelLog({ run }),
    logins: createLogins({ run }),
    signatures: createSignatures({ run }),
    loopDevice: createLoopDevice({ run }),
    mounts: createMounts({ run }),
    openFiles: createOpenFiles(),
    postgres: createPostgres({ run }),
    request: createRequest(),
    rsync: createRsync({ run }),
    system: createSystem({ run }),
    throughput: createThroughput({ run }),
    volumeFile: createVolumeFile({ run }),
  };
}

/** What {@link createHostTools} makes. */
export type HostTools = ReturnType<typeof createHostTools>;
