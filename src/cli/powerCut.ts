import type { NodeState, RunStatus } from '../contract/status.js';
import { CommandEnded, exitCodes } from './exit.js';

/** A power cut that a rehearsal was asked for. */
export interface PowerCut {
  /** Told of each status of the run: cuts, once, when the step is seen to run. */
  readonly look: (status: RunStatus) => Promise<void>;
  /** @throws CommandEnded where the run came to its end without the cut: what was asked for was not rehearsed. */
  readonly assertCut: () => void;
}

/**
 * @param step - The id of its node.
 * @param cut - Cuts the power, and boots the host again.
 */
export function createPowerCut(step: string, cut: () => Promise<void>): PowerCut {
  let isCut = false;
  let last: NodeState | undefined;
  return {
    async look({ nodes }) {
      last = nodes.find(({ id }) => id === step)?.state;
      if (isCut || (last !== 'running' && last !== 'open')) return;
      isCut = true;
      await cut();
    },
    assertCut() {
      if (isCut) return;
      const why = last === 'not needed' ? ', since a rehearsal leaves it out' : ', or was over before it was seen to run';
      throw new CommandEnded(exitCodes.failed, `the power was never cut: ${step} was not reached${why}; name another step`);
    },
  };
}
