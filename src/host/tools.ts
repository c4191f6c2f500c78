import { createBlockDevices } from './blockDevices.js';
import { createCompose } from './compose.js';
import { createCryptsetup } from './cryptsetup.js';
import { createDiskActivity } from './diskActivity.js';
import { createDocker, dockerSocketPath } from './docker.js';
import { createThrowaways } from './dockerThrowaway.js';
import { createFilesystem } from './filesystem.js';
import { createGpg } from './gpg.js';
import { createRequest } from './http.js';
import { createKernelLog } from './kernelLog.js';
import { createMounts } from './mounts.js';
import { createOpenFiles } from './openFiles.js';
import { createPipeline } from './pipeline.js';
import { createPostgres } from './postgres.js';
import { createRsync } from './rsync.js';
import type { Run, RunnerSettings } from './runner.js';
import { createSystem } from './system.js';
import { createThroughput } from './throughput.js';
import { createVolumeFile } from './volumeFile.js';

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
    diskActivity: createDiskActivity(),
    docker,
    throwaways: createThrowaways({ run, docker }),
    filesystem: createFilesystem({ run }),
    gpg: createGpg({ runPipeline: pipeline }),
    kernelLog: createKernelLog({ run }),
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
