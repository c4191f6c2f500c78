import { chmod, link, rm, stat } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { syncDirectoryOf, syncFile } from '../files/durable.js';
import { ifPresent } from '../failure.js';
import { readDigest } from '../files/fileDigest.js';
import { createLuksKeySlots } from './luksKeySlots.js';
import type { Passphrase } from './luksPassphrase.js';
import type { Run } from '../processes/runner.js';

/** A header backup file, as evidence. */
export interface HeaderBackup {
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Header backups: with one and an old passphrase the volume decrypts for ever, so each is listed and retired. */
export function createLuksHeaderBackup({ run }: { readonly run: Run }) {
  const keySlots = createLuksKeySlots({ run });

  return {
    /**
     * Saves the header to a new file, readable by root alone, complete or not there at all.
     *
     * @throws {@link PermanentFailure} when the file exists: a backup is never overwritten.
     */
    async headerBackup({ device, file }: { readonly device: string; readonly file: string }): Promise<HeaderBackup> {
      if ((await ifPresent(stat(file))) !== undefined) {
        throw new PermanentFailure(`the header backup ${file} already exists`, 'name the new one differently');
      }
      const partial = `${file}.partial`;
      await rm(partial, { force: true });
      await run('cryptsetup', ['luksHeaderBackup', '--header-backup-file', partial, device], { timeout: 'standard' });
      await chmod(partial, 0o600);
      await syncFile(partial);
      // A link does not replace what appeared under the name meanwhile; a rename would.
      await link(partial, file);
      await rm(partial);
      await syncDirectoryOf(file);
      return { file, sizeBytes: (await stat(file)).size, sha256: await readDigest({ file }) };
    },

    /**
     * Whether a passphrase opens a slot of a header backup: the proof that the backup would help.
     *
     * @returns the slot that answered, or none.
     */
    testHeaderBackup({
      device,
      file,
      passphrase,
    }: {
      readonly device: string;
      readonly file: string;
      readonly passphrase: Passphrase;
    }): Promise<{ matches: false } | { matches: true; slot: number }> {
      return keySlots.testPassphrase({ device, header: file, passphrase });
    },
  };
}
