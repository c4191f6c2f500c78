/**
 * The workflows that a worker offers, under the names by which a server starts them: each takes a
 * `RunInput` as its one JSON object, fails at once where that does not fit, and ends in a `RunResult`.
 */
import { workflowOf } from './engine/walk.js';
import { decommissionPlaintext as decommissionRunbook } from './decommissionPlaintext.js';
import { emergencyAccess as emergencyAccessRunbook } from './emergencyAccess.js';
import { growVolume as growRunbook } from './growVolume.js';
import { migrate as migrateRunbook } from './migrate.js';
import { respondToCompromise as respondToCompromiseRunbook } from './respondToCompromise.js';
import { rollback as rollbackRunbook } from './rollback.js';
import { rotateKey as rotateKeyRunbook } from './rotateKey.js';
import { shutdown as shutdownRunbook } from './shutdown.js';
import { startup as startupRunbook } from './startup.js';
import { setupVolume as setupRunbook } from './setupVolume.js';

/** Moves a host's database onto an encrypted volume. */
export const migrate = workflowOf(migrateRunbook);

/** Goes back from the last migration of a host. */
export const rollback = workflowOf(rollbackRunbook);

/** Removes what a migration left in the clear. */
export const decommissionPlaintext = workflowOf(decommissionRunbook);

/** Unlocks the volume and starts what lies on it, after a reboot or whatever else has ended that. */
export const startup = workflowOf(startupRunbook);

/** Stops what lies on the volume, and locks it. */
export const shutdown = workflowOf(shutdownRunbook);

/** Replaces keys of the encrypted volume. */
export const rotateKey = workflowOf(rotateKeyRunbook);

/** Uses the recovery key, and replaces both keys at once. */
export const emergencyAccess = workflowOf(emergencyAccessRunbook);
/** What is to be done within an hour, a day and three days where a passphrase may be known to others. */
export const respondToCompromise = workflowOf(respondToCompromiseRunbook);

/** Makes an encrypted volume, and a new deployment on it where asked for. */
export const setupVolume = workflowOf(setupRunbook);

/** Makes the volume in use larger. */
export const growVolume = workflowOf(growRunbook);
