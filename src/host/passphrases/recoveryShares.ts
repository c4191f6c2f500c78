import { randomBytes } from 'node:crypto';
import { combine, split } from 'shamir-secret-sharing';
import { PermanentFailure } from '../../contract/errors.js';
import { fromSharePayload, toSharePayload } from './sharePayload.js';

/** One holder's part of a recovery passphrase. */
export interface RecoveryShare {
  /** Four hexadecimal digits, drawn for each splitting: shares of different sets never fit together. */
  readonly set: string;
  /** From 1. */
  readonly index: number;
  /** How many there are. */
  readonly shares: number;
  /** How many of them are needed. */
  readonly threshold: number;
  readonly bytes: Uint8Array;
}

/** Beyond this many holders nobody knows any more who they are; and every way of joining shares can be tried. */
export const mostShares = 12;

/**
 * Splits a passphrase after Shamir, in GF(2^8), with the library `shamir-secret-sharing` (audited by Cure53
 * and Zellic): fewer than the threshold tell nothing of it but about how long it is. Every way of joining
 * as many as are needed is tried before anything is returned. The plan's 5.3 asks for it after a compromise:
 * "Consider key splitting (Shamir's Secret Sharing) for future".
 *
 * @throws {@link PermanentFailure} for counts that make no sense.
 */
export async function splitPassphrase(passphrase: string, { shares, threshold }: { readonly shares: number; readonly threshold: number }): Promise<readonly RecoveryShare[]> {
  if (threshold < 2 || threshold > shares || shares > mostShares) {
    throw new PermanentFailure(`${threshold} of ${shares} shares can not be asked for`, `take 2 to ${mostShares} shares, and a threshold from 2 to their number`);
  }
  const payload = toSharePayload(passphrase);
  const set = randomBytes(2).toString('hex').toUpperCase();
  const made = (await split(payload, shares, threshold)).map((bytes, index) => ({ set, index: index + 1, shares, threshold, bytes }));
  payload.fill(0);
  for (const chosen of choose(made, threshold)) {
    if ((await join(chosen)) !== passphrase) throw new Error(`shares ${chosen.map(({ index }) => index).join(', ')} of a new set do not give the passphrase; nothing was shown`);
  }
  return made;
}

/**
 * Joins shares to the passphrase that was split.
 *
 * @throws {@link PermanentFailure} naming which do not belong together, or how many are missing.
 */
export async function combineShares(shares: readonly RecoveryShare[]): Promise<string> {
  const [first] = shares;
  if (first === undefined) throw new PermanentFailure('there is no share', 'type the first one');
  const foreign = shares.find((share) => share.set !== first.set || share.threshold !== first.threshold || share.shares !== first.shares);
  if (foreign !== undefined) {
    throw new PermanentFailure(`share ${foreign.index} is of the set ${foreign.set}, share ${first.index} of the set ${first.set}`, 'take shares of one set: each splitting makes a new one');
  }
  const different = [...new Map(shares.map((share) => [share.index, share])).values()];
  if (different.length < first.threshold) {
    throw new PermanentFailure(`there are ${different.length} different shares of the set ${first.set} (${first.threshold} are needed)`, 'ask another holder for theirs');
  }
  const passphrase = await join(different.slice(0, first.threshold));
  if (passphrase !== undefined) return passphrase;
  throw new PermanentFailure(`the shares ${different.map(({ index }) => index).join(', ')} of the set ${first.set} give no passphrase that fits its own check`, 'try other holders\' shares: one of these is not what was printed');
}

async function join(shares: readonly RecoveryShare[]): Promise<string | undefined> {
  const payload = await combine(shares.map(({ bytes }) => bytes));
  const passphrase = fromSharePayload(payload);
  payload.fill(0);
  return passphrase;
}

/** Every way of taking so many of them. */
function choose<Item>(items: readonly Item[], count: number): Item[][] {
  if (count === 0) return [[]];
  return items.flatMap((item, index) => choose(items.slice(index + 1), count - 1).map((rest) => [item, ...rest]));
}
