import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { PermanentFailure } from '../contract/errors.js';
import { signatureNamespace } from '../contract/signatures.js';
import { ensureDirectory } from './files/ensureDirectory.js';
import { ensureTextFile } from './files/textFile.js';
import { CommandFailed, type Run } from './processes/runner.js';

const [head, foot] = ['-----BEGIN SSH SIGNATURE-----', '-----END SSH SIGNATURE-----'];

/** Signatures with SSH keys, by ssh-keygen(1): people who answer for servers have such a key already. */
export function createSignatures({ run }: { readonly run: Run }) {
  /** @returns The names that a key has in the file; of several lines the first is the same for the same key. */
  async function findName(allowedSigners: string, signatureFile: string): Promise<string | undefined> {
    const found = await orRefused(run('ssh-keygen', ['-Y', 'find-principals', '-f', allowedSigners, '-s', signatureFile]));
    const name = found?.stdout.split(/[\n,]/)[0]?.trim() ?? '';
    return name === '' ? undefined : name;
  }

  return {
    /**
     * Signs a statement; the key's passphrase, or its touch, is asked for at the terminal.
     *
     * @param key - A private key's file, or that of a public key whose private one an agent holds.
     * @returns The signature's base64, in one line.
     * @throws {@link PermanentFailure} where ssh-keygen does not sign.
     */
    async sign({ key, statement }: { readonly key: string; readonly statement: string }): Promise<string> {
      try {
        const { stdout } = await run('ssh-keygen', ['-Y', 'sign', '-n', signatureNamespace, '-f', key], { input: statement, timeout: 'standard' });
        return stdout.replace(head, '').replace(foot, '').replaceAll(/\s/g, '');
      } catch (error) {
        if (!(error instanceof CommandFailed)) throw error;
        const words = error.stderr.split('\n').findLast((line) => line.trim() !== '') ?? error.message;
        throw new PermanentFailure(`nothing was signed with ${key}: ${words}`, 'name the file of a private key, or that of a public one whose key ssh-add -l shows');
      }
    },

    /**
     * Finds who has signed a statement, and leaves both beside each other, to be verified again by hand.
     *
     * @param allowedSigners - As in ssh-keygen(1), "ALLOWED SIGNERS".
     * @param directory - Where statement and signature are kept.
     * @returns The signer's name in that file; undefined where the signature is of no allowed signer, or of other words.
     * @throws {@link CommandFailed} where there is no ssh-keygen.
     */
    async findSigner({ allowedSigners, directory, statement, signature }: { readonly allowedSigners: string; readonly directory: string; readonly statement: string; readonly signature: string }): Promise<string | undefined> {
      const kept = join(directory, createHash('sha256').update(`${statement}${signature}`).digest('hex').slice(0, 16));
      await ensureDirectory(directory, 0o700);
      await ensureTextFile({ path: `${kept}.json`, content: statement, mode: 0o600 });
      await ensureTextFile({ path: `${kept}.json.sig`, content: `${[head, ...(signature.match(/.{1,70}/g) ?? []), foot].join('\n')}\n`, mode: 0o600 });
      const name = await findName(allowedSigners, `${kept}.json.sig`);
      if (name === undefined) return undefined;
      const verified = await orRefused(run('ssh-keygen', ['-Y', 'verify', '-f', allowedSigners, '-I', name, '-n', signatureNamespace, '-s', `${kept}.json.sig`], { input: statement }));
      return verified === undefined ? undefined : name;
    },
  };
}

/** It says no by its exit status, whatever is wrong with a signature. */
async function orRefused<R>(running: Promise<R>): Promise<R | undefined> {
  try {
    return await running;
  } catch (error) {
    if (error instanceof CommandFailed && error.hasStarted && error.exitCode !== undefined && error.exitCode !== 126 && error.exitCode !== 127) return undefined;
    throw error;
  }
}
