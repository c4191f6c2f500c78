import { explain } from '../failure.js';
import { toPbkdfArgs, type Argon2id } from './luksKeySlots.js';
import { passphraseLines, WrongPassphrase, type Passphrase } from './luksPassphrase.js';
import type { Run } from '../processes/runner.js';

/** How far a re-encryption has come. */
export interface ReencryptProgress {
  readonly percent: number;
}

/** Replacing the volume key, which changing passphrases does not do. */
export function createLuksReencrypt({ run }: { readonly run: Run }) {
  return {
    /**
     * Encrypts a volume's data with a new volume key, while it is open or not, or goes on with one that was cut off.
     * Slots get new numbers and tokens follow them; meanwhile a token names the slots of both keys. Cut off
     * before it began, it leaves slots that open nothing: remove them (`opensVolume`) before trying again.
     *
     * @param passphrases - One for every filled slot, in the order of the slots. Naming a single slot
     * instead would remove the others without a word.
     * @param name - The device-mapper name, where the volume is open.
     * @param resumeOnly - Only finish what began; one passphrase suffices.
     * @throws {@link WrongPassphrase} when a passphrase opens no slot.
     */
    async reencrypt({
      device,
      passphrases,
      argon2id,
      name,
      resumeOnly = false,
      onProgress,
    }: {
      readonly device: string;
      readonly passphrases: readonly Passphrase[];
      readonly argon2id: Argon2id;
      readonly name?: string;
      readonly resumeOnly?: boolean;
      readonly onProgress?: (progress: ReencryptProgress) => void;
    }): Promise<void> {
      // Without --batch-mode, which silences the progress; questions are only asked on a terminal.
      const args = [
        ...['reencrypt', '--progress-frequency', '1', ...toPbkdfArgs(argon2id)],
        ...(name === undefined ? [] : ['--active-name', name]),
        ...(resumeOnly ? ['--resume-only'] : []),
        device,
      ];
      const input = passphraseLines(passphrases);
      try {
        await run('cryptsetup', args, {
          input,
          timeout: 'unlimited',
          onLine: (line) => {
            const percent = /Progress:\s+([\d.]+)%/.exec(line)?.[1];
            if (percent !== undefined) onProgress?.({ percent: Number(percent) });
          },
        });
      } catch (error) {
        explain(error, [{ exitCode: 2, then: () => new WrongPassphrase(device) }]);
      } finally {
        input.fill(0);
      }
    },
  };
}
