import { setTimeout as sleep } from 'node:timers/promises';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import type { Fault } from './cells.js';

const workerUnit = 'lockstep-worker.service';

/** Longer than the heartbeat's timeout of 20 s: the server gives the step to the next attempt while the frozen one still lives. */
const longFreezeSeconds = 24;
const shortFreezeSeconds = 2;

/** Breaks it from outside, and puts right what a person or systemd would put right; the run itself is left alone. */
export async function breakIt(rehearsal: Rehearsal, fault: Fault, { long }: { readonly long: boolean }): Promise<void> {
  switch (fault) {
    case 'worker killed before':
    case 'worker killed during':
    case 'worker killed after':
      return killWhenUp(rehearsal);
    case 'worker frozen':
      return freezeWhileAnotherStarts(rehearsal, long ? longFreezeSeconds : shortFreezeSeconds);
    case 'server killed':
      await rehearsal.killServer();
      return rehearsal.startServer();
    case 'power cut':
    case 'power cut, server inside':
      return rehearsal.powerCut();
  }
}

/** The one that was killed before may not be up again yet: there has to be one to kill. */
async function killWhenUp({ guest, killWorker }: Rehearsal): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    if ((await guest.expect('systemctl', ['show', '--property=MainPID', '--value', workerUnit])).trim() !== '0') return killWorker();
    await sleep(250);
  }
  throw new Error(`${workerUnit} does not come up again`);
}

/** @throws Error where a second worker is let in beside a frozen one. */
async function freezeWhileAnotherStarts({ guest, lockstep }: Rehearsal, seconds: number): Promise<void> {
  const signal = (name: string) => guest.expect('systemctl', ['kill', '--kill-whom=main', `--signal=${name}`, workerUnit]);
  await signal('STOP');
  try {
    const [{ exitCode, stderr }] = await Promise.all([lockstep('worker'), sleep(seconds * 1000)]);
    if (exitCode !== 1 || !stderr.includes('another worker for')) throw new Error(`a second worker beside a frozen one: status ${exitCode}, ${stderr.trim()}`);
  } finally {
    await signal('CONT');
  }
}
