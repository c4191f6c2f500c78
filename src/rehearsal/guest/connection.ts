import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../../host/processes/runner.js';
import type { BackgroundProcess, BackgroundProgram } from './background.js';
import { guestAddress, type Network } from './network.js';
import { isRunning, killGroup } from './processIdentity.js';

/** The name that the guest has in its ssh configuration. */
const alias = 'guest';

/** What it takes to reach a guest. */
export interface ConnectionSettings {
  readonly run: Run;
  readonly network: Network;
  /** The guest's folder on the machine: the ssh configuration and logs. */
  readonly directory: string;
  /** The image's folder: its key, and the guest's own. */
  readonly imageDirectory: string;
  /** A short path for the connection's socket: 108 bytes are the limit of the kernel. */
  readonly socket: string;
  readonly start: (program: BackgroundProgram) => Promise<BackgroundProcess>;
}

/** A way into the guest that commands and forwarded ports share. */
export interface Connection {
  /** What `ssh` is given before the command. */
  readonly sshArguments: readonly string[];
  /** What a person types in any terminal of the machine to be root in the guest. */
  readonly enterCommand: string;
  /** Connects as soon as the guest answers. */
  readonly open: (signal: AbortSignal) => Promise<void>;
  readonly isOpen: () => Promise<boolean>;
  /** Ends it with all that it carries; harmless when there is none. */
  readonly close: () => Promise<void>;
  /** Listens on the machine's 127.0.0.1 for a port of the guest's 127.0.0.1. */
  readonly forward: (machinePort: number, guestPort: number) => Promise<void>;
}

/** Writes the ssh configuration of a guest; connects nothing yet. */
export async function createConnection(settings: ConnectionSettings): Promise<Connection> {
  const { run, directory, socket, start } = settings;
  const configuration = join(directory, 'ssh_config');
  await writeFile(configuration, sshConfiguration(settings), { mode: 0o600 });
  const base = ['-F', configuration];
  let master: BackgroundProcess | undefined;
  const isOpen = async () => (await run('ssh', [...base, '-O', 'check', alias], { answers: [0, 255] })).exitCode === 0;

  return {
    sshArguments: [...base, alias],
    enterCommand: `ssh -F ${configuration} ${alias}`,
    isOpen,
    open: async (signal) => {
      // The guest answers nothing until its network is up: each attempt ends soon, and the next begins.
      while (!(await isOpen())) {
        signal.throwIfAborted();
        if (!(await isRunning(master?.identity))) {
          master = await start({
            file: 'ssh',
            args: [...base, '-o', 'ControlMaster=yes', '-N', alias],
            outputFile: join(directory, 'ssh.log'),
          });
        }
        await sleep(150);
      }
    },
    close: async () => {
      await killGroup(master?.identity);
      await rm(socket, { force: true });
      master = undefined;
    },
    forward: async (machinePort, guestPort) => {
      await run('ssh', [...base, '-O', 'forward', '-L', `127.0.0.1:${machinePort}:127.0.0.1:${guestPort}`, alias]);
    },
  };
}

/**
 * The guest's ssh configuration: the client runs on the machine, so that the ports it forwards are the
 * machine's; only the wire to the guest lies in the namespace.
 */
export function sshConfiguration({
  network,
  imageDirectory,
  socket,
}: Pick<ConnectionSettings, 'network' | 'imageDirectory' | 'socket'>): string {
  const [file, args] = network.inside('socat', ['-', `TCP4:${guestAddress}:22,connect-timeout=1`]);
  return `${[
    `Host ${alias}`,
    '  User root',
    `  HostName ${guestAddress}`,
    `  ProxyCommand ${[file, ...args].join(' ')}`,
    `  IdentityFile "${join(imageDirectory, 'id_ed25519')}"`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile "${join(imageDirectory, 'known_hosts')}"`,
    '  StrictHostKeyChecking yes',
    '  BatchMode yes',
    '  LogLevel ERROR',
    '  EscapeChar none',
    // A guest that has rebooted does not know the connection; one that only works hard answers late.
    '  ServerAliveInterval 3',
    '  ServerAliveCountMax 100',
    '  ExitOnForwardFailure yes',
    `  ControlPath "${socket}"`,
  ].join('\n')}\n`;
}
