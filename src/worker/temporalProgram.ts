import { access, constants, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentFailure } from '../contract/errors.js';
import { ifPresent } from '../host/failure.js';
import { CommandFailed, type Run } from '../host/processes/runner.js';

/** The `temporal` program that carries the embedded server. */
export interface TemporalProgram {
  readonly path: string;
  /** As it says itself. */
  readonly version: string;
  /** Where it was found, in words. */
  readonly from: string;
}

/** The last version that `go install` builds: later ones carry replace directives, which it refuses. */
const goPackage = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

/**
 * Looks for the program on PATH, then in Lockstep's cache, then has the SDK download it, then builds
 * it where go is installed (about five minutes, once). What was downloaded or built is kept in the cache.
 *
 * @param cacheDirectory - Lockstep's own.
 * @param say - Told before anything that takes long.
 * @throws {@link PermanentFailure} where none of these ways led to one.
 */
export async function findTemporalProgram(run: Run, cacheDirectory: string, say: (message: string) => void): Promise<TemporalProgram> {
  const cached = join(cacheDirectory, 'bin', 'temporal');
  const onPath = await readVersion(run, 'temporal').catch(ignoreMissing);
  if (onPath !== undefined) return { path: 'temporal', version: onPath, from: 'PATH' };
  if (await isProgram(cached)) return describe(run, cached, "Lockstep's cache");

  await mkdir(join(cacheDirectory, 'bin'), { recursive: true });
  const troubles: string[] = [];
  for (const [from, fetchInto] of [
    ['downloaded by the SDK', download],
    ['built with go install', build],
  ] as const) {
    say(`no temporal program on PATH or in ${join(cacheDirectory, 'bin')}; now to be ${from}`);
    try {
      await fetchInto(run, cached);
      return await describe(run, cached, from);
    } catch (error) {
      troubles.push(`${from}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new PermanentFailure(
    `no temporal program was found or could be fetched (${troubles.join('; ')})`,
    `install it from https://docs.temporal.io/cli, put it at ${cached}, or name a server in TEMPORAL_ADDRESS`,
  );
}

async function describe(run: Run, path: string, from: string): Promise<TemporalProgram> {
  return { path, version: await readVersion(run, path), from };
}

async function readVersion(run: Run, path: string): Promise<string> {
  const { stdout } = await run(path, ['--version']);
  return stdout.trim();
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof CommandFailed && error.exitCode === undefined) return undefined;
  throw error;
}

async function isProgram(path: string): Promise<boolean> {
  return (await ifPresent(access(path, constants.X_OK).then(() => true))) ?? false;
}

/** The SDK downloads only what it starts; so a server is started for a moment, in a folder where only it lands. */
async function download(_run: Run, target: string): Promise<void> {
  const directory = `${target}.download`;
  // Heavy, and only needed here.
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  try {
    const server = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir: directory } },
    });
    await server.teardown();
    const [name] = await readdir(directory);
    if (name === undefined) throw new Error(`the SDK left nothing in ${directory}`);
    await rename(join(directory, name), target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function build(run: Run, target: string): Promise<void> {
  await run('go', ['install', goPackage], { timeout: 'service', env: { GOBIN: join(target, '..') } });
}
