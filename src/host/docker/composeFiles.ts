import { PermanentFailure } from '../../contract/errors.js';
import { readEnvValue, setEnvValue, unsetEnvValue } from './envFile.js';

/** A project's directory as far as the choice of compose files depends on it. */
export interface ComposeProject {
  /** The names in the project's directory. */
  readonly fileNames: readonly string[];
  /** The text of `.env`, empty where there is none. */
  readonly environmentText: string;
}

/** The compose files in force, in the order in which they are merged. */
export interface ComposeSelection {
  /** As written: relative to the project's directory, or absolute. */
  readonly files: readonly string[];
  /** Whether COMPOSE_FILE names them; else Compose finds them by their names. */
  readonly isExplicit: boolean;
}

// Both in Compose's own order: the first that exists counts.
const baseNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const overrideNames = ['compose.override.yml', 'compose.override.yaml', 'docker-compose.override.yml', 'docker-compose.override.yaml'];

/** Whether a directory is a project's: COMPOSE_FILE is set in it, or one of the names is there that Compose looks for. */
export function hasComposeFile({ fileNames, environmentText }: ComposeProject): boolean {
  return readEnvValue(environmentText, 'COMPOSE_FILE') !== undefined || baseNames.some((name) => fileNames.includes(name));
}

/**
 * Says which compose files a project uses.
 *
 * @throws PermanentFailure where COMPOSE_FILE is not set and the directory has no compose file; Compose
 * would search the directories above it.
 */
export function readComposeSelection({ fileNames, environmentText }: ComposeProject): ComposeSelection {
  const explicit = readEnvValue(environmentText, 'COMPOSE_FILE');
  if (explicit !== undefined) return { files: explicit.split(separatorOf(environmentText)), isExplicit: true };
  const base = baseNames.find((name) => fileNames.includes(name));
  if (base === undefined) {
    throw new PermanentFailure(`the project's directory has none of ${baseNames.join(', ')}`, 'correct deployment.directory in lockstep.yaml');
  }
  const override = overrideNames.find((name) => fileNames.includes(name));
  return { files: override === undefined ? [base] : [base, override], isExplicit: false };
}

/**
 * Adds a compose file as the last one, which wins over the others. The files that Compose found by
 * itself are named with it, the automatic override included, since COMPOSE_FILE switches the search off.
 *
 * @returns The new text of `.env`; the same where the file is the last one already.
 */
export function addComposeFile(project: ComposeProject & { readonly file: string }): string {
  const { files } = readComposeSelection(project);
  if (files.at(-1) === project.file) return project.environmentText;
  const wanted = [...files.filter((name) => name !== project.file), project.file];
  return setEnvValue(project.environmentText, 'COMPOSE_FILE', wanted.join(separatorOf(project.environmentText)));
}

/**
 * Takes a compose file out again. Where the rest is what Compose finds by itself, COMPOSE_FILE goes too.
 *
 * @returns The new text of `.env`; the same where the file is not named.
 */
export function removeComposeFile(project: ComposeProject & { readonly file: string }): string {
  const { environmentText, file } = project;
  const { files, isExplicit } = readComposeSelection(project);
  if (!isExplicit || !files.includes(file)) return environmentText;
  const rest = files.filter((name) => name !== file);
  const separator = separatorOf(environmentText);
  const unset = unsetEnvValue(environmentText, 'COMPOSE_FILE');
  if (rest.length === 0) return unset;
  const hasBase = baseNames.some((name) => project.fileNames.includes(name));
  const automatic = hasBase ? readComposeSelection({ ...project, environmentText: unset }).files : [];
  if (automatic.join(separator) === rest.join(separator)) return unset;
  return setEnvValue(environmentText, 'COMPOSE_FILE', rest.join(separator));
}

function separatorOf(environmentText: string): string {
  const separator = readEnvValue(environmentText, 'COMPOSE_PATH_SEPARATOR');
  return separator === undefined || separator === '' ? ':' : separator;
}
