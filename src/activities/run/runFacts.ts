import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { syncDirectoryOf } from '../../host/files/durable.js';
import { ifPresent } from '../../host/failure.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import type { Attempt } from '../activity.js';

/** Keeps a fact in the run's directory, durably: too bulky for history, or needed before a step is done. */
export async function keepFact(attempt: Pick<Attempt, 'directory'>, name: string, fact: unknown): Promise<void> {
  await ensureTextFile({ path: pathOf(attempt, name), content: `${JSON.stringify(fact, null, 2)}\n`, mode: 0o600 });
}

/** Forgets a fact that holds no longer; does nothing where there is none. */
export async function dropFact(attempt: Pick<Attempt, 'directory'>, name: string): Promise<void> {
  await rm(pathOf(attempt, name), { force: true });
  await syncDirectoryOf(pathOf(attempt, name));
}

/** @returns What {@link keepFact} kept, or undefined. */
export async function readFact<Fact>(attempt: Pick<Attempt, 'directory'>, name: string): Promise<Fact | undefined> {
  const text = await ifPresent(readFile(pathOf(attempt, name), 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as Fact);
}

/** @throws {@link PermanentFailure} where the fact was never kept: an earlier step was skipped. */
export async function needFact<Fact>(attempt: Pick<Attempt, 'directory'>, name: string): Promise<Fact> {
  const fact = await readFact<Fact>(attempt, name);
  if (fact !== undefined) return fact;
  throw new PermanentFailure(`${pathOf(attempt, name)} is missing, although an earlier step of this run writes it`, 'roll back and start again');
}

function pathOf(attempt: Pick<Attempt, 'directory'>, name: string): string {
  return join(attempt.directory, `${name}.json`);
}
