import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { explain, ifPresent } from '../failure.js';
import { toPbkdfArgs, type Argon2id } from './luksKeySlots.js';
import { passphraseLines, WrongPassphrase, type Passphrase } from './luksPassphrase.js';
import type { Run } from '../processes/runner.js';

/** How far a re-encryption has come. */
export interface ReencryptProgress {
  readonly percent: number;
}

/** Replacing the volume key, which changing passphrases does not do. */
export function createLuksReencrypt({ run, mapperDirectory = '/dev/mapper', procDirectory = '/proc' }: { readonly run: Run; readonly mapperDirectory?: string; readonly procDirectory?: string }) {
  return {
    /**
     * The layers that cryptsetup puts under an open volume while it re-encrypts it. Where it was killed they stay: the piece
     * that it was at is suspended, so that whoever reads or writes there waits for ever, and `--resume-only` refuses the volume
     * ("Mismatching parameters") until that was closed and opened again.
     *
     * @returns Their device-mapper names; none where no process re-encrypts it, nor was killed at that.
     */
    async readReencryptionLayers({ name }: { readonly name: string }): Promise<readonly string[]> {
      const names = (await ifPresent(readdir(mapperDirectory))) ?? [];
      return names.filter((each) => each === `${name}-overlay` || each.startsWith(`${name}-hotzone-`)).toSorted();
    },

    /**
     * A process of this host that re-encrypts a volume, this one or another: somebody's by hand has the same layers as one that
     * was killed.
     *
     * @returns Its id; undefined where there is none.
     */
    async findReencryptProcess(): Promise<number | undefined> {
      for (const pid of (await readdir(procDirectory)).filter((name) => /^\d+$/.test(name))) {
        // A process that ended has none.
        const [program = '', ...args] = ((await ifPresent(readFile(`${procDirectory}/${pid}/cmdline`, 'utf8'), ['ENOENT', 'ESRCH'])) ?? '').split('\0');
        if (basename(program) === 'cryptsetup' && args.includes('reencrypt')) return Number(pid);
      }
      return undefined;
    },

    /**
     * Lets everything that waits for the suspended piece fail with an I/O error, as a power cut would end it: what was not on
     * the disk stays off it, and the volume can be closed. Only where the process that re-encrypted is dead.
     *
     * @param layers - As {@link readReencryptionLayers} has them.
     */
    async failSuspendedPiece({ layers }: { readonly layers: readonly string[] }): Promise<void> {
      for (const layer of layers.filter((each) => each.includes('-hotzone-'))) {
        // Without --noflush it would wait for the very reads and writes that wait for it.
        await run('dmsetup', ['wipe_table', '--force', '--noflush', layer], { timeout: 'standard' });
      }
    },

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
