import { PermanentFailure } from '../../contract/errors.js';
import { explain } from '../failure.js';
import { createLuksHeader } from './luksHeader.js';
import { passphraseBytes, passphraseLines, WrongPassphrase, type Passphrase } from './luksPassphrase.js';
import type { Run } from '../processes/runner.js';

/** What Argon2id may cost; the only key derivation that Lockstep asks for. */
export interface Argon2id {
  readonly memoryKiB: number;
  readonly parallel: number;
  /** How long one derivation should take on this machine, which cryptsetup measures. */
  readonly iterationMilliseconds: number;
}

/** Making a LUKS2 header, and its key slots. */
export function createLuksKeySlots({ run }: { readonly run: Run }) {
  const luksHeader = createLuksHeader({ run });

  /** The slot that answers to a passphrase, or undefined. */
  async function findSlot(args: readonly string[], passphrase: Passphrase): Promise<number | undefined> {
    const { exitCode, stdout, stderr } = await run('cryptsetup', ['open', '--test-passphrase', '--verbose', '--key-file=-', ...args], {
      input: passphraseBytes(passphrase),
      answers: [0, 1, 2],
      timeout: 'standard',
    });
    // Status 1 is what an answer from a slot that opens nothing comes to, and also any other failure.
    if (exitCode === 2 || stderr.includes('No usable keyslot')) return undefined;
    if (exitCode !== 0) throw new Error('cryptsetup could not try a passphrase: its arguments or the header are not what it expects');
    const slot = /Key slot (\d+) unlocked/.exec(stdout)?.[1];
    if (slot === undefined) throw new Error('cryptsetup accepted a passphrase but did not say for which key slot');
    return Number(slot);
  }

  return {
    /**
     * Writes a LUKS2 header with AES-256-XTS and one passphrase in slot 0. Destroys what the device held:
     * the caller proves before that it is the new volume's.
     *
     * @param label - Shown by blkid; up to 47 bytes.
     * @throws {@link PermanentFailure} where a LUKS header is already there.
     */
    async format({
      device,
      passphrase,
      label,
      argon2id,
    }: {
      readonly device: string;
      readonly passphrase: Passphrase;
      readonly label: string;
      readonly argon2id: Argon2id;
    }): Promise<{ uuid: string }> {
      const present = await run('cryptsetup', ['isLuks', device], { answers: [0, 1] });
      if (present.exitCode === 0) {
        throw new PermanentFailure(`${device} already has a LUKS header`, 'it is not overwritten: remove the file if it is of no use');
      }
      const args = [
        ...['luksFormat', '--batch-mode', '--type', 'luks2'],
        // XTS splits its key in two: 512 bits are AES-256, and the often seen 256 are AES-128.
        ...['--cipher', 'aes-xts-plain64', '--key-size', '512', '--hash', 'sha256'],
        ...['--label', label, '--key-slot', '0', '--key-file=-', ...toPbkdfArgs(argon2id)],
      ];
      await run('cryptsetup', [...args, device], { input: passphraseBytes(passphrase), timeout: 'standard' });
      return { uuid: (await luksHeader.readHeader({ device })).uuid };
    },

    /**
     * Adds a passphrase in a slot of its own, and proves that it opens that slot. Both secrets go to
     * standard input, a line each, so that neither is ever in a file or an argument.
     *
     * @throws {@link WrongPassphrase} when the existing passphrase opens no slot.
     * @throws {@link PermanentFailure} when the slot is taken, or no longer answers to the new passphrase.
     */
    async addKey({
      device,
      existing,
      added,
      slot,
      argon2id,
    }: {
      readonly device: string;
      readonly existing: Passphrase;
      readonly added: Passphrase;
      readonly slot: number;
      readonly argon2id: Argon2id;
    }): Promise<{ slot: number }> {
      const input = passphraseLines([existing, added]);
      try {
        // --key-slot names the new slot in every version of cryptsetup; --new-key-slot only since 2.6.
        const args = ['luksAddKey', '--batch-mode', '--key-slot', String(slot), ...toPbkdfArgs(argon2id), device];
        await run('cryptsetup', args, { input, timeout: 'standard' });
      } catch (error) {
        explain(error, [
          { exitCode: 2, then: () => new WrongPassphrase(device) },
          { says: /is full/, then: () => new PermanentFailure(`slot ${slot} of ${device} already holds a key`, 'prove whose it is, or choose another slot') },
        ]);
      } finally {
        input.fill(0);
      }
      const answering = await findSlot(['--key-slot', String(slot), device], added);
      if (answering !== slot) {
        throw new PermanentFailure(`slot ${slot} of ${device} does not answer to the passphrase just added`, 'remove the slot and add the passphrase again');
      }
      return { slot };
    },

    /**
     * Whether a passphrase opens a slot, of a device or of a header backup, without opening the volume.
     *
     * @param slot - Only this one; any when left out.
     * @param header - A header backup to try in place of the device's own.
     * @returns the slot that answered, or none. A slot without a key, or with a key that opens nothing, does not answer.
     */
    async testPassphrase({
      device,
      passphrase,
      slot,
      header,
    }: {
      readonly device: string;
      readonly passphrase: Passphrase;
      readonly slot?: number;
      readonly header?: string;
    }): Promise<{ matches: false } | { matches: true; slot: number }> {
      const opening = (await luksHeader.readHeader({ device: header ?? device })).slots.filter((each) => each.opensVolume).map((each) => each.slot);
      if (slot !== undefined && !opening.includes(slot)) return { matches: false };
      const answering = await findSlot(
        [...(slot === undefined ? [] : ['--key-slot', String(slot)]), ...(header === undefined ? [] : ['--header', header]), device],
        passphrase,
      );
      return answering === undefined || !opening.includes(answering) ? { matches: false } : { matches: true, slot: answering };
    },

    /**
     * Wipes a slot by its number, never by passphrase: given one on standard input, cryptsetup removes
     * even the last slot without a word.
     *
     * @param provenSlots - Slots whose passphrases were proven in this very procedure.
     * @returns whether it was wiped now; false where it was empty.
     * @throws {@link PermanentFailure} unless two others than `slot` are named and open the volume.
     */
    async killSlot({
      device,
      slot,
      provenSlots,
    }: {
      readonly device: string;
      readonly slot: number;
      readonly provenSlots: readonly number[];
    }): Promise<{ changed: boolean }> {
      const before = await luksHeader.readHeader({ device });
      if (before.reencrypting) {
        throw new PermanentFailure(`${device} is being re-encrypted and its slots exist twice`, 'let cryptsetup reencrypt --resume-only finish first');
      }
      const filled = before.slots.map((each) => each.slot);
      const opening = before.slots.filter((each) => each.opensVolume).map((each) => each.slot);
      const remaining = new Set(provenSlots.filter((each) => each !== slot && opening.includes(each)));
      if (remaining.size < 2) {
        throw new PermanentFailure(
          `removing slot ${slot} of ${device} would leave ${remaining.size} proven slots (at least 2 are needed)`,
          'add and prove another passphrase first',
        );
      }
      if (!filled.includes(slot)) return { changed: false };
      await run('cryptsetup', ['luksKillSlot', '--batch-mode', device, String(slot)], { timeout: 'standard' });
      const after = await luksHeader.readHeader({ device });
      if (after.slots.some((each) => each.slot === slot)) throw new Error(`slot ${slot} of ${device} still holds a key after its removal`);
      return { changed: true };
    },
  };
}

/** The arguments that ask cryptsetup for Argon2id with stated costs. */
export function toPbkdfArgs({ memoryKiB, parallel, iterationMilliseconds }: Argon2id): readonly string[] {
  return [
    ...['--pbkdf', 'argon2id', '--pbkdf-memory', String(memoryKiB), '--pbkdf-parallel', String(parallel)],
    ...['--iter-time', String(iterationMilliseconds)],
  ];
}
