/**
 * The workflows that a worker offers, under the names by which a server starts them: each takes a
 * `RunInput` as its one JSON object, fails at once where that does not fit, and ends in a `RunResult`.
 */
import { workflowOf } from './engine/walk.js';
import { decommissionPlaintext as decommissionRunbook } from './decommissionPlaintext.js';
import { emergencyAccess as emergencyAccessRunbook } from './emergencyAccess.js';
import { migrate as migrateRunbook } from './migrate.js';
import { respondToCompromise as respondToCompromiseRunbook } from './respondToCompromise.js';
import { rollback as rollbackRunbook } from './rollback.js';
import { rotateKey as rotateKeyRunbook } from './rotateKey.js';

/** Moves a host's database onto an encrypted volume. */
export const migrate = workflowOf(migrateRunbook);

/** Goes back from the last migration of a host. */
export const rollback = workflowOf(rollbackRunbook);

/** Removes what a migration left in the clear. */
export const decommissionPlaintext = workflowOf(decommissionRunbook);

/** Replaces keys of the encrypted volume. */
export const rotateKey = workflowOf(rotateKeyRunbook);

/** Uses the recovery key, and replaces both keys at once. */
export const emergencyAccess = workflowOf(emergencyAccessRunbook);
/** What is to be done within an hour, a day and three days where a passphrase may be known to others. */
export const respondToCompromise = workflowOf(respondToCompromiseRunbook);
