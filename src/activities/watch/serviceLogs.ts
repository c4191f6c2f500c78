import { join } from 'node:path';
import { PermanentFailure } from '../../contract/errors.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import type { Attempt } from '../activity.js';
import { keepFact, readFact } from '../run/runFacts.js';
import { needDeployment } from '../services/deployment.js';

/** What PostgreSQL and most applications call an error, down to a query that a client got wrong: people judge. */
const errorLine = /\b(PANIC|FATAL|ERROR)\b/;

/** What PostgreSQL says at FATAL to clients that come before it is ready: expected right after a start. */
const expectedLine = /the database system is (starting up|shutting down|not yet accepting connections)/;

/** What no client's mistake makes PostgreSQL say: damaged data, unreadable files, a server process that crashed. */
const graveLine =
  /\bPANIC\b|invalid page in block|page verification failed|could not (read|write|fsync|open) (block|file)|unexpected zero page|unexpected data beyond EOF|missing chunk number|could not access status of transaction|invalid memory alloc request|from before relfrozenxid|was terminated by signal/;

/** Error lines of the database and the application. */
export interface ErrorLines {
  readonly lines: readonly string[];
  /** Those among them that tell of damage or of a crash. */
  readonly grave: number;
  /** Containers that are gone, and their logs with them. */
  readonly gone: readonly string[];
}

/** Error lines in the logs of the database and the application since a time of the host, as far as they are there. */
export async function readErrorLines(attempt: Attempt, since: string): Promise<ErrorLines> {
  // Where the host's clock was set back meanwhile, a time tells nothing: rather all lines than one too few.
  const from = Date.parse(since) > attempt.now().getTime() ? new Date(0) : new Date(since);
  const { container, applicationContainer } = await needDeployment(attempt);
  const wanted = (text: string) => (errorLine.test(text) && !expectedLine.test(text)) || graveLine.test(text);
  const names = [container, applicationContainer];
  const logs = await Promise.all(names.map((name) => attempt.tools.docker.readLogs({ container: name, since: from, wanted })));
  const lines = logs.flatMap((ofOne) => (ofOne ?? []).map(({ text }) => text));
  return { lines, grave: lines.filter((text) => graveLine.test(text)).length, gone: names.filter((_, index) => logs[index] === undefined) };
}

/**
 * The same, of both.
 *
 * @throws {@link PermanentFailure} where a container is gone: what it wrote nobody can judge.
 */
export async function needErrorLines(attempt: Attempt, since: string): Promise<ErrorLines> {
  const found = await readErrorLines(attempt, since);
  if (found.gone.length === 0) return found;
  throw new PermanentFailure(`there is no container ${found.gone.join(' and no container ')}, whose log is to be read`, 'compare its name with docker ps --all');
}

/** They may quote what users wrote, which is not for Temporal's history: the host keeps them, and says where. */
export async function keepErrorLines(attempt: Pick<Attempt, 'directory'>, name: string, lines: readonly string[]): Promise<string> {
  const path = join(attempt.directory, `errors-${name}.log`);
  await ensureTextFile({ path, content: lines.map((line) => `${line}\n`).join(''), mode: 0o600 });
  return path;
}

interface ErrorsBefore {
  readonly errors: number;
  readonly seconds: number;
}

/** Counts the errors of a time as long as the first hour, while users still work on the old volume: Docker drops that log with the old container. */
export async function keepErrorsBefore(attempt: Attempt): Promise<void> {
  if ((await readFact(attempt, 'errors-before')) !== undefined) return;
  const seconds = attempt.config.watch.firstHourSeconds;
  const { lines } = await needErrorLines(attempt, new Date(attempt.now().getTime() - seconds * 1000).toISOString());
  await keepFact(attempt, 'errors-before', { errors: lines.length, seconds } satisfies ErrorsBefore);
}

/** How many errors the old volume saw in so long a time; undefined where that was not counted. */
export async function readErrorsBefore(attempt: Pick<Attempt, 'directory'>, seconds: number): Promise<number | undefined> {
  const before = await readFact<ErrorsBefore>(attempt, 'errors-before');
  if (before === undefined) return undefined;
  // Nothing was counted in no time, and one error of a short time says little of a longer one.
  return before.seconds === 0 ? 0 : Math.ceil((before.errors * seconds) / before.seconds);
}
