import type { SecretName } from '../../config/schema.js';
import type { Attempt } from '../activity.js';
import { keepFact, readFact } from '../run/runFacts.js';

/** What opens the volume. */
export interface UnlockingSecret {
  readonly secret: SecretName;
  /** For the person who types it. */
  readonly words: string;
}

const unlockingWithFact = 'unlock-with';

/** Says which secret opens the volume from now on in this run: the operational one may be lost, or just replaced. */
export async function keepUnlockingSecret(attempt: Pick<Attempt, 'directory'>, secret: SecretName): Promise<void> {
  await keepFact(attempt, unlockingWithFact, { secret });
}

/** The secret that opens the volume in this run, and what people call it. */
export async function unlockingSecret(attempt: Pick<Attempt, 'directory'>): Promise<UnlockingSecret> {
  const secret = (await readFact<{ readonly secret: SecretName }>(attempt, unlockingWithFact))?.secret ?? 'operationalPassphrase';
  return { secret, words: unlockingWords[secret] ?? 'the operational passphrase' };
}

const unlockingWords: Partial<Readonly<Record<SecretName, string>>> = {
  newOperationalPassphrase: 'the NEW operational passphrase',
  recoveryPassphrase: 'the recovery passphrase',
};
