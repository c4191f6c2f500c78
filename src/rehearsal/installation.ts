import { join } from 'node:path';
import { stringify } from 'yaml';
import { projectRoot, type Guest } from './guest/index.js';
import { hostFiles, rehearsalSecrets, type HostConfig } from './hostConfig.js';

/** What the command line is called on a rehearsed host. */
export const lockstepCommand = '/usr/local/bin/lockstep';
/** The unit of the worker. */
export const workerUnit = 'lockstep-worker.service';
/** The unit of the embedded server. */
export const serverUnit = 'lockstep-server.service';

/** How Lockstep is installed on a host. */
export interface InstallationSettings {
  /** Of the host's lockstep.yaml. */
  readonly config: HostConfig;
  /** Where worker and command line find the server. */
  readonly serverAddress: string;
  /** What the worker's unit runs: a program for Node, with its arguments. */
  readonly workerCommand: string;
}

/** The command line as this project has built it. */
export function lockstepProgram(): string {
  return join(projectRoot(), 'dist', 'bin', 'main.js');
}

/** Writes settings, secrets, units and command as an administrator would; starts nothing. */
export async function installOn(guest: Guest, { config, serverAddress, workerCommand }: InstallationSettings): Promise<void> {
  await guest.putFile({ content: stringify(config), to: hostFiles.config, mode: 0o644 });
  await guest.putFile({ content: rehearsalSecrets['testAccountPassword'] ?? '', to: hostFiles.testPassword, mode: 0o600 });
  await guest.expect('mkdir', ['-p', '/var/lib/lockstep-client']);
  for (const [unit, start] of [
    [workerUnit, workerCommand],
    [serverUnit, `${lockstepProgram()} server`],
  ] as const) {
    // The units as they ship, with the one difference that Lockstep lies where this project lies.
    const dropIn = ['[Service]', 'ExecStart=', `ExecStart=${process.execPath} ${start}`, `Environment=TEMPORAL_ADDRESS=${serverAddress}`, ''].join('\n');
    await guest.expect('cp', [join(projectRoot(), 'deploy', unit), `/etc/systemd/system/${unit}`]);
    await guest.putFile({ content: dropIn, to: `/etc/systemd/system/${unit}.d/rehearsal.conf`, mode: 0o644 });
  }
  // For people who enter the host, and for this rehearsal itself.
  const command = ['#!/bin/sh', `export TEMPORAL_ADDRESS=${serverAddress}`, `exec ${process.execPath} ${lockstepProgram()} "$@"`, ''].join('\n');
  await guest.putFile({ content: command, to: lockstepCommand, mode: 0o755 });
  await guest.expect('systemctl', ['daemon-reload']);
}

/** Lockstep was installed long before whatever is rehearsed: a power cut does not take that back. */
export async function syncInstallation(guest: Guest): Promise<void> {
  await guest.expect('sync', []);
}
