import { z } from 'zod';

/** A container as `docker inspect` shows it, without the values of its environment. */
export interface ContainerFacts {
  readonly id: string;
  readonly name: string;
  /** The image's id, which a moved tag does not change. */
  readonly imageId: string;
  readonly image: string;
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  readonly state: string;
  readonly isRunning: boolean;
  /** `starting`, `healthy` or `unhealthy`; undefined without a health check. */
  readonly health: string | undefined;
  readonly exitCode: number;
  readonly wasKilledForMemory: boolean;
  /** The first process, as the host numbers it; undefined where it does not run. */
  readonly processId: number | undefined;
  /** RFC 3339 with nanoseconds; undefined where it never started. */
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  /** As `docker update --restart` takes it: `no`, `always`, `unless-stopped`, `on-failure:3`. */
  readonly restartPolicy: string;
  /** How often Docker has restarted it since it was created. */
  readonly restartCount: number;
  readonly mounts: readonly ContainerMount[];
  /** The file on the host that holds what it wrote; undefined where another log driver keeps it. */
  readonly logFile: string | undefined;
  readonly environmentNames: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** What a container has mounted. */
export interface ContainerMount {
  readonly type: string;
  /** The volume's name; undefined for a bind mount. */
  readonly volumeName: string | undefined;
  /** On the host. */
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
}

/** A named volume. */
export interface VolumeFacts {
  readonly name: string;
  readonly driver: string;
  /** On the host; for the local driver without options the directory that holds the data. */
  readonly mountPoint: string;
  /** Options of the local driver, such as a device to mount; empty for a plain directory. */
  readonly options: Readonly<Record<string, string>>;
}

/** An image. */
export interface ImageFacts {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  /** What the image itself sets, which is no secret: `PGDATA`, `PG_MAJOR`, `PATH`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Paths for which a container without a mount gets a volume on the host's disk. */
  readonly volumeTargets: readonly string[];
  readonly user: string;
}

const containerSchema = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  RestartCount: z.number(),
  LogPath: z.string().optional(),
  State: z.looseObject({
    Status: z.string(),
    Running: z.boolean(),
    OOMKilled: z.boolean(),
    Pid: z.number(),
    ExitCode: z.number(),
    StartedAt: z.string(),
    FinishedAt: z.string(),
    Health: z.looseObject({ Status: z.string() }).nullish(),
  }),
  HostConfig: z.looseObject({ RestartPolicy: z.looseObject({ Name: z.string(), MaximumRetryCount: z.number() }) }),
  Mounts: z.array(
    z.looseObject({ Type: z.string(), Name: z.string().optional(), Source: z.string().default(''), Destination: z.string(), RW: z.boolean() }),
  ),
  Config: z.looseObject({
    Image: z.string(),
    Env: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
});

const volumeSchema = z.looseObject({
  Name: z.string(),
  Driver: z.string(),
  Mountpoint: z.string(),
  Options: z.record(z.string(), z.string()).nullish(),
});

const imageSchema = z.looseObject({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  RepoDigests: z.array(z.string()).nullish(),
  Config: z.looseObject({
    Env: z.array(z.string()).nullish(),
    Volumes: z.record(z.string(), z.unknown()).nullish(),
    User: z.string().nullish(),
  }),
});

/** @param json - What `docker container inspect` printed for one container. */
export function parseContainer(json: string): ContainerFacts {
  const { State, HostConfig, Config, ...rest } = only(json, containerSchema);
  const { Name: policy, MaximumRetryCount: retries } = HostConfig.RestartPolicy;
  const health = State.Health?.Status;
  return {
    id: rest.Id,
    name: rest.Name.replace(/^\//, ''),
    imageId: rest.Image,
    image: Config.Image,
    state: State.Status,
    isRunning: State.Running,
    health: health === '' || health === 'none' ? undefined : health,
    exitCode: State.ExitCode,
    wasKilledForMemory: State.OOMKilled,
    processId: State.Pid === 0 ? undefined : State.Pid,
    startedAt: timeOf(State.StartedAt),
    finishedAt: timeOf(State.FinishedAt),
    restartPolicy: (policy || 'no') + (retries > 0 ? `:${retries}` : ''),
    restartCount: rest.RestartCount,
    logFile: rest.LogPath === '' ? undefined : rest.LogPath,
    mounts: rest.Mounts.map(({ Type, Name, Source, Destination, RW }) => ({
      type: Type,
      volumeName: Name,
      source: Source,
      target: Destination,
      isReadOnly: !RW,
    })),
    environmentNames: Object.keys(toRecord(Config.Env)),
    labels: Config.Labels ?? {},
  };
}

/** One value of a container's environment; undefined where it is not set. */
export function parseContainerEnvironmentValue(json: string, name: string): string | undefined {
  return toRecord(only(json, containerSchema).Config.Env)[name];
}

/** @param json - What `docker volume inspect` printed for one volume. */
export function parseVolume(json: string): VolumeFacts {
  const { Name, Driver, Mountpoint, Options } = only(json, volumeSchema);
  return { name: Name, driver: Driver, mountPoint: Mountpoint, options: Options ?? {} };
}

/** @param json - What `docker image inspect` printed for one image. */
export function parseImage(json: string): ImageFacts {
  const { Id, RepoTags, RepoDigests, Config } = only(json, imageSchema);
  return {
    id: Id,
    tags: RepoTags ?? [],
    digests: RepoDigests ?? [],
    environment: toRecord(Config.Env),
    volumeTargets: Object.keys(Config.Volumes ?? {}),
    user: Config.User ?? '',
  };
}

function only<Facts>(json: string, schema: z.ZodType<Facts>): Facts {
  const [first] = z.array(schema).length(1).parse(JSON.parse(json));
  if (first === undefined) throw new Error('docker inspect printed nothing');
  return first;
}

/** Docker writes a time that never was as the year 1. */
function timeOf(text: string): string | undefined {
  return text.startsWith('0001-') ? undefined : text;
}

function toRecord(assignments: readonly string[] | null | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (assignments ?? []).map((assignment) => {
      const [name = '', ...value] = assignment.split('=');
      return [name, value.join('=')];
    }),
  );
}
