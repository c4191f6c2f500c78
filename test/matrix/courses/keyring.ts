import { rehearsalSecrets } from '../../../src/rehearsal/hostConfig.js';

/** A volume's two passphrases, of one time. */
interface Pair {
  readonly operational: string;
  readonly recovery: string;
}

/** Whose passphrases they are, in the order in which they take each other's places; those that are withdrawn never do. */
export const pairs = {
  'set up': { operational: rehearsalSecrets['operationalPassphrase'] ?? '', recovery: rehearsalSecrets['recoveryPassphrase'] ?? '' },
  rotated: { operational: rehearsalSecrets['newOperationalPassphrase'] ?? '', recovery: rehearsalSecrets['newRecoveryPassphrase'] ?? '' },
  withdrawn: { operational: 'gravel tiptoe banister walnut overcoat cinema puddle thimble', recovery: 'lantern hazelnut crayon mosaic turnip velvet anchor pigeon' },
  'after the access': { operational: 'discourse dubbed monthly cache luridness slept dolphin elves', recovery: 'clubhouse nutmeg paddling quicksand ribcage sublease twitch evergreen' },
  'of the emergency': { operational: 'stapling marmalade oxidize creamer unwoven padlock jigsaw hamlet', recovery: 'wreckage tapestry bonfire elastic gumdrop nearness shrubbery outpost' },
} as const satisfies Readonly<Record<string, Pair>>;

/** A pair's name. */
export type PairName = keyof typeof pairs;

/**
 * What is typed in a run, by the name of the secret.
 *
 * @param present - The pair that opens the volume when it begins.
 * @param next - The pair that is to take its place.
 */
export function typed(present: PairName, next?: PairName): Readonly<Record<string, string>> {
  return {
    ...rehearsalSecrets,
    operationalPassphrase: pairs[present].operational,
    recoveryPassphrase: pairs[present].recovery,
    ...(next === undefined ? {} : { newOperationalPassphrase: pairs[next].operational, newRecoveryPassphrase: pairs[next].recovery }),
  };
}

/** Each passphrase of the course with its name. */
export const allPassphrases: readonly (readonly [string, string])[] = Object.entries(pairs).flatMap(([name, { operational, recovery }]) => [
  [`the operational passphrase ${name}`, operational] as const,
  [`the recovery passphrase ${name}`, recovery] as const,
]);
