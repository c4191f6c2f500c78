import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ifPresent } from '../../host/failure.js';
import type { BackgroundProcess, BackgroundProgram } from './background.js';
import { machineAddress, type Network } from './network.js';
import { isRunning } from './processIdentity.js';

/** What it takes to offer a port of the machine to the guest. */
export interface OfferSettings {
  readonly network: Network;
  /** A short path that names of sockets are appended to: 108 bytes are the limit of the kernel. */
  readonly socketPrefix: string;
  readonly outputFile: string;
  readonly start: (program: BackgroundProgram) => Promise<BackgroundProcess>;
}

/**
 * Makes a port of the machine's 127.0.0.1 reachable for the guest, by way of a Unix socket, since those
 * cross network namespaces. It stays through the guest's reboots.
 *
 * @param machinePort - The machine's.
 * @param guestSidePort - Under which the guest finds it at {@link machineAddress}.
 * @throws Error when one of the two ends does not listen within 10 s.
 */
export async function offer(settings: OfferSettings, machinePort: number, guestSidePort: number): Promise<void> {
  const { network, socketPrefix, outputFile, start } = settings;
  const socket = `${socketPrefix}.${guestSidePort}`;
  const machineSide = await start({
    file: 'socat',
    args: [`UNIX-LISTEN:${socket},fork,mode=600,unlink-early`, `TCP4:127.0.0.1:${machinePort},nodelay`],
    outputFile,
  });
  const [file, args] = network.inside('socat', [
    `TCP4-LISTEN:${guestSidePort},bind=${machineAddress},fork,reuseaddr,nodelay`,
    `UNIX-CONNECT:${socket}`,
  ]);
  const guestSide = await start({ file, args, outputFile });
  await untilListed(machineSide, 'unix', (list) => list.includes(socket));
  await untilListed(guestSide, 'tcp', (list) => listensOn(list, guestSidePort));

  async function untilListed(end: BackgroundProcess, kind: string, isListed: (list: string) => boolean) {
    for (let waits = 0; waits < 500 && (await isRunning(end.identity)); waits += 1) {
      const list = await ifPresent(readFile(`/proc/${end.identity?.pid ?? 'self'}/net/${kind}`, 'utf8'));
      if (list !== undefined && isListed(list)) return;
      await sleep(20);
    }
    throw new Error(`port ${machinePort} could not be offered to the guest as ${guestSidePort}; ${outputFile} has socat's words`);
  }
}

/** Whether /proc/net/tcp has a socket in state LISTEN (0A) on a port, which it writes in hexadecimal. */
export function listensOn(list: string, port: number): boolean {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  return list.split('\n').some((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    return state === '0A' && local?.split(':')[1] === hexadecimal;
  });
}
