import { Document, Scalar } from 'yaml';
import { PermanentFailure } from '../../contract/errors.js';
import { serviceOf, type ComposeConfig, type ComposeMount } from './composeConfig.js';

/** What the overlay changes in a project. */
export interface Overlay {
  /** The project without the overlay. */
  readonly base: ComposeConfig;
  readonly databaseService: string;
  /** Services that Docker must not start by itself, since their data is not there before the volume is unlocked. */
  readonly otherServices: readonly string[];
  /** Where the container expects the data directory, or the directory that holds it. */
  readonly dataTarget: string;
  /** The directory on the encrypted volume that takes the place of what was mounted there. */
  readonly bindSource: string;
  /** Moves the password from the environment, which `docker inspect` shows, into a file. */
  readonly password?: OverlayPassword;
}

/** The database's password as a file. */
export interface OverlayPassword {
  /** The variable that carries it now, such as `POSTGRES_PASSWORD`; `<variable>_FILE` takes its place. */
  readonly variable: string;
  /** The secret's name in the project, such as `postgres_password`. */
  readonly secretName: string;
  /** On the host; relative to the project's directory, or absolute. Readable by the database's user. */
  readonly secretFile: string;
}

/**
 * The text of a compose file that, merged last, moves the database onto the encrypted volume and takes
 * everything else from the base. The same input gives the same text.
 *
 * The bind mount does not create its source: with the volume closed the container fails to start,
 * instead of finding an empty directory and starting a new, unencrypted cluster in it.
 *
 * @throws PermanentFailure where a service is not in the base, or mounts nothing at the target.
 */
export function renderOverlay(overlay: Overlay): string {
  const { base, databaseService, otherServices, password } = overlay;
  const others = otherServices.filter((name) => name !== databaseService);
  const document = new Document({
    services: {
      [databaseService]: {
        ...stayStopped(base, databaseService),
        ...(password ? passwordFromFile(password) : {}),
        volumes: mountsWithBind(overlay),
      },
      ...Object.fromEntries(others.map((name) => [name, stayStopped(base, name)])),
    },
    ...(password ? { secrets: { [password.secretName]: { file: escaped(password.secretFile) } } } : {}),
  });
  const volumes = document.getIn(['services', databaseService, 'volumes'], true) as { tag?: string };
  // Without the tag Compose merges the lists by target, and keeps options of the mount that is replaced.
  volumes.tag = '!override';
  document.commentBefore = ' Written by Lockstep: moves the database onto the encrypted volume. Selected by COMPOSE_FILE in .env.';
  return document.toString({ lineWidth: 0 });
}

function stayStopped(base: ComposeConfig, name: string) {
  const { deployRestartCondition } = serviceOf(base, name);
  return {
    // Quoted, because a YAML 1.1 reader takes a bare no for false.
    restart: quoted('no'),
    ...(deployRestartCondition === undefined ? {} : { deploy: { restart_policy: { condition: 'none' } } }),
  };
}

/**
 * The variable is set to nothing rather than removed by `!reset`, which has no effect where the base
 * writes its environment as a list or takes it from an env_file. The official image refuses to start
 * with both variables set, and takes an empty one as not set.
 */
function passwordFromFile({ variable, secretName }: OverlayPassword) {
  return {
    environment: { [variable]: quoted(''), [`${variable}_FILE`]: `/run/secrets/${secretName}` },
    secrets: [{ source: secretName }],
  };
}

function mountsWithBind({ base, databaseService, dataTarget, bindSource }: Overlay): readonly unknown[] {
  const { mounts } = serviceOf(base, databaseService);
  if (!mounts.some(({ target }) => target === dataTarget)) {
    const targets = mounts.map(({ target }) => target).join(', ') || 'nothing';
    throw new PermanentFailure(`service "${databaseService}" mounts nothing at ${dataTarget} (it mounts ${targets})`, 'compare its volumes with PGDATA of its image');
  }
  const bind = { type: 'bind', source: escaped(bindSource), target: escaped(dataTarget), bind: { create_host_path: false } };
  return mounts.map((mount) => (mount.target === dataTarget ? bind : explicit(mount)));
}

/** Says what Compose leaves out of its output where it is false, and later versions take as true. */
function explicit({ type, definition }: ComposeMount): Readonly<Record<string, unknown>> {
  if (type !== 'bind') return definition;
  const bind = (definition['bind'] ?? {}) as Readonly<Record<string, unknown>>;
  return { ...definition, bind: { ...bind, create_host_path: bind['create_host_path'] === true } };
}

function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function quoted(value: string): Scalar<string> {
  const scalar = new Scalar(value);
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}
