import type { Config } from './schema.js';

/** What is asked of a passphrase that is being set. */
export interface PassphrasePolicy {
  /** Fewest bits, by a cautious estimate. */
  readonly minimumBits: number;
  /** Names that somebody who attacks this host would try first. */
  readonly guessable: readonly string[];
}

/** The policy of lockstep.yaml: `secrets.minimumBits`, and the names that the file has anyway. */
export function passphrasePolicyOf({ host, secrets, volume, deployment: { database, application } }: Config): PassphrasePolicy {
  return {
    minimumBits: secrets.minimumBits,
    guessable: [host, volume.name, database.service, database.name, database.user, application.service, application.title],
  };
}
