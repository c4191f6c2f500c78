import { randomUUID } from 'node:crypto';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Call } from '../../contract/calls.js';
import type { FaultPoint } from './point.js';

/**
 * Stops at each activity's fault points and asks whether to go on: before it acts, in its middle, and
 * after it has acted but before the server learns of that. The rehearsal's worker alone wires it in.
 *
 * @param url - Where the director answers; where nobody does, the worker goes on.
 */
export function createFaultPoints(url: string): ActivityInterceptorsFactory {
  return () => ({
    inbound: {
      async execute(input, next) {
        const [call] = input.args as [Call];
        const identity = { runbook: call.runbook, node: call.node, phase: call.phase, call: randomUUID() };
        const pass = (moment: FaultPoint['moment']): Promise<void> =>
          ask(url, { moment, ...identity, upMilliseconds: Math.round(performance.now()) });
        await pass('before');
        const performing = next(input);
        void pass('during').then(() => pass('on'));
        try {
          const result = await performing;
          await pass('after');
          void pass('on');
          return result;
        } catch (error) {
          await pass('failed');
          throw error;
        }
      },
    },
  });
}

async function ask(url: string, point: FaultPoint): Promise<void> {
  const verdict = await fetch(url, { method: 'POST', body: JSON.stringify(point) }).then(
    (response) => response.text(),
    () => 'go',
  );
  if (verdict !== 'die') return;
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => undefined);
}
