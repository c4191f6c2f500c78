import type { Facts } from './facts.js';

/**
 * The ways in which something on a host can fail, told apart by what the engine does next.
 * They are plain data here; the wrapper turns them into Temporal failures without a cause, because
 * causes are serialised into history.
 */
export const failureTypes = {
  /** Trying again will not help: the run parks and asks a person. */
  permanent: 'Permanent',
  /** The same, and the plan names it as a reason to go back: the question that parks recommends that. */
  rollbackTrigger: 'RollbackTrigger',
  /** What was carried over lacks what users wrote since: what becomes of that is chosen anew. */
  carryOverVoid: 'CarryOverVoid',
  /** A secret of the kind `ask:` is not in the worker's memory: the run waits for `lockstep unlock`. */
  secretNeeded: 'SecretNeeded',
  /** The host knows more than the history that calls, or is held by another run: a person chooses how to go on. */
  hostAhead: 'HostAhead',
  /** The input of a workflow does not fit; the run fails at once. */
  invalidInput: 'InvalidInput',
} as const;

/** Why an attempt failed that never told its end, in place of Temporal's "activity Heartbeat timeout". */
export const silentAttempt = 'nothing was heard of it any more: the worker ended, or the network to the server was away';

/**
 * A failure that retrying cannot mend. The message names the fact, quotes the values and gives the
 * next move, since it is what a person reads when the run parks.
 */
export class PermanentFailure extends Error {
  override readonly name: string = 'PermanentFailure';

  /**
   * @param fact - What is wrong, with its values.
   * @param nextMove - What to type or look at next.
   */
  constructor(
    readonly fact: string,
    readonly nextMove: string,
  ) {
    super(`${fact}; ${nextMove}`);
  }
}

/** A finding that the plan's 3.1 names as a trigger of the rollback: whoever is asked gets that recommended. */
export class RollbackTrigger extends PermanentFailure {
  override readonly name: string = 'RollbackTrigger';

  /** @param evidence - What was measured, for the question. It travels into Temporal's history: nothing that users wrote. */
  constructor(
    fact: string,
    nextMove: string,
    readonly evidence: Facts,
  ) {
    super(fact, nextMove);
  }
}

/** A copy of what users wrote, which was to be gone back with, lacks some of it, and has left the source's place. */
export class CarryOverVoid extends RollbackTrigger {
  override readonly name = 'CarryOverVoid';
}

/** A secret with an `ask:` reference is not at hand, or the one that was given is wrong. */
export class SecretNeeded extends Error {
  override readonly name = 'SecretNeeded';

  /**
   * @param secret - The secret's name in lockstep.yaml, for example `operationalPassphrase`.
   * @param reason - What it is needed for, in words for the person who types it.
   * @param isNew - The secret is being set, so it has to be typed twice.
   */
  constructor(
    readonly secret: string,
    readonly reason: string,
    readonly isNew = false,
  ) {
    super(reason);
  }
}

/**
 * The host was left by this run, or got further with it, in a way that the server's history does not
 * know: its database was restored from a copy, or the run was reset.
 */
export class HostAhead extends Error {
  override readonly name = 'HostAhead';

  /**
   * @param fact - What the host knows, for the person who chooses.
   * @param calls - How far the journal is that knows it: the highest number of a call. It tells one such question from another.
   * @param hasEnded - The run has ended, by the host's journal: there is nothing to go on with.
   */
  constructor(
    readonly fact: string,
    readonly calls: number,
    readonly hasEnded = false,
  ) {
    super(fact);
  }
}
