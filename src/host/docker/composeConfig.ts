import { z } from 'zod';
import { PermanentFailure } from '../../contract/errors.js';

/** A project as Compose itself resolves it: files merged, variables filled in, short forms expanded. */
export interface ComposeConfig {
  readonly projectName: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  /** Named volumes by their key in the files, with the name that Docker knows. */
  readonly volumes: Readonly<Record<string, { readonly name: string; readonly isExternal: boolean }>>;
}

/** One service. Values of its environment are left out, since they hold secrets. */
export interface ComposeService {
  readonly containerName: string | undefined;
  readonly image: string | undefined;
  /** As written; undefined where nothing is, which means "no". */
  readonly restart: string | undefined;
  /** `deploy.restart_policy.condition`, which Compose lets win over `restart`. */
  readonly deployRestartCondition: string | undefined;
  readonly environmentNames: readonly string[];
  readonly secretSources: readonly string[];
  readonly mounts: readonly ComposeMount[];
  readonly dependsOn: readonly string[];
  readonly hasHealthCheck: boolean;
}

/** One of a service's volumes in the long form. */
export interface ComposeMount {
  readonly type: string;
  /** A named volume's key, or a host path; undefined for an anonymous volume or a tmpfs. */
  readonly source: string | undefined;
  readonly target: string;
  readonly isReadOnly: boolean;
  /** The mount as Compose prints it, with `$` doubled, fit to be written into a compose file. */
  readonly definition: Readonly<Record<string, unknown>>;
}

const mountSchema = z.looseObject({
  type: z.string(),
  source: z.string().optional(),
  target: z.string(),
  read_only: z.boolean().optional(),
});

const serviceSchema = z.looseObject({
  container_name: z.string().optional(),
  image: z.string().optional(),
  restart: z.string().optional(),
  deploy: z.looseObject({ restart_policy: z.looseObject({ condition: z.string().optional() }).nullish() }).nullish(),
  environment: z.record(z.string(), z.string().nullable()).nullish(),
  secrets: z.array(z.looseObject({ source: z.string() })).nullish(),
  volumes: z.array(mountSchema).nullish(),
  depends_on: z.record(z.string(), z.unknown()).nullish(),
  healthcheck: z.looseObject({ disable: z.boolean().optional() }).nullish(),
});

const configSchema = z.looseObject({
  name: z.string(),
  services: z.record(z.string(), serviceSchema).default({}),
  volumes: z.record(z.string(), z.looseObject({ name: z.string(), external: z.boolean().optional() })).nullish(),
});

/** @param json - What `docker compose config --format json` printed. */
export function parseComposeConfig(json: string): ComposeConfig {
  const parsed = configSchema.parse(JSON.parse(json));
  return {
    projectName: parsed.name,
    services: mapValues(parsed.services, toService),
    volumes: mapValues(parsed.volumes ?? {}, ({ name, external }) => ({ name, isExternal: external === true })),
  };
}

/**
 * One value of a service's environment.
 *
 * @param json - What `docker compose config --format json` printed.
 * @returns undefined where the variable is not set.
 */
export function parseEnvironmentValue(json: string, { service, name }: { service: string; name: string }): string | undefined {
  const value = configSchema.parse(JSON.parse(json)).services[service]?.environment?.[name];
  return value == null ? undefined : literal(value);
}

/** @throws PermanentFailure where the project has no service of that name; it names those that there are. */
export function serviceOf(config: ComposeConfig, name: string): ComposeService {
  const service = config.services[name];
  if (service) return service;
  const known = Object.keys(config.services).join(', ');
  throw new PermanentFailure(`the compose project ${config.projectName} has no service "${name}" (it has ${known})`, 'correct the name in lockstep.yaml');
}

function toService(service: z.infer<typeof serviceSchema>): ComposeService {
  return {
    containerName: service.container_name,
    image: service.image,
    restart: service.restart,
    deployRestartCondition: service.deploy?.restart_policy?.condition,
    environmentNames: Object.keys(service.environment ?? {}),
    secretSources: (service.secrets ?? []).map(({ source }) => source),
    mounts: (service.volumes ?? []).map((mount) => ({
      type: mount.type,
      source: mount.source === undefined ? undefined : literal(mount.source),
      target: literal(mount.target),
      isReadOnly: mount.read_only === true,
      definition: mount,
    })),
    dependsOn: Object.keys(service.depends_on ?? {}),
    hasHealthCheck: service.healthcheck != null && service.healthcheck.disable !== true,
  };
}

/** Compose doubles dollar signs, so that its output can be read as a compose file. */
function literal(text: string): string {
  return text.replaceAll('$$', '$');
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, convert: (value: From) => To): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value)]));
}
