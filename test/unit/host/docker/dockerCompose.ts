import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { createRun, type Run } from '../../../../src/host/processes/runner.js';

/**
 * The machine's own Compose, for tests of what it makes of a file; none of them needs a daemon.
 *
 * @param directory - A temporary directory, for a client configuration that finds the plugin in
 * Lockstep's cache where the machine has not installed it.
 * @throws Error where the machine has no Compose 2; scripts/setup brings it.
 */
export async function findCompose(directory: string): Promise<Run> {
  const cached = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'lockstep/bin/docker-compose');
  if (existsSync(cached)) {
    await mkdir(join(directory, 'cli-plugins'), { recursive: true });
    await symlink(cached, join(directory, 'cli-plugins/docker-compose'));
  }
  const env = existsSync(cached) ? { DOCKER_CONFIG: directory } : {};
  const version = await execa('docker', ['compose', 'version'], { reject: false, env });
  if (version.exitCode !== 0) throw new Error('there is no docker compose 2 on this machine; run scripts/setup');
  const run = createRun();
  return (file, args, options = {}) => run(file, args, { ...options, env: { ...env, ...options.env } });
}
