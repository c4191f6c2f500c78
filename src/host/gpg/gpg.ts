import { chmod, mkdir } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import type { Measure } from '../processes/byteMeter.js';
import { readEncryption } from './openpgp.js';
import type { RunPipeline } from '../processes/pipeline.js';
import type { Stage } from '../processes/pipelineStage.js';
import { CommandFailed } from '../processes/runner.js';

/** A passphrase, and gpg's own directory: on a tmpfs, private to one use (see {@link ensureGpgHome}). */
export interface GpgPassphrase {
  readonly passphrase: string | Uint8Array;
  readonly homeDirectory: string;
}

/** The passphrase given is not the one that the file was encrypted with. */
export class WrongBackupPassphrase extends Error {
  override readonly name = 'WrongBackupPassphrase';

  /** @param path - The file that was tried. */
  constructor(readonly path: string) {
    super(`the passphrase given does not open ${path}`);
  }
}

/** What a complete decryption found. */
export interface Decrypted {
  /** The encrypted file as it was read. */
  readonly file: Measure;
  /** What the last stage gave out: the decrypted content, or what `through` made of it. */
  readonly content: Measure;
}

/**
 * Creates gpg's directory, mode 0700. gpg starts no agent with the arguments used here, so that the
 * directory can be removed as soon as the pipeline has ended.
 */
export async function ensureGpgHome(homeDirectory: string): Promise<void> {
  await mkdir(homeDirectory, { recursive: true, mode: 0o700 });
  await chmod(homeDirectory, 0o700);
}

/**
 * Encrypts its input with AES-256 under a passphrase, which is stretched by the slowest setting that
 * OpenPGP has. It does not compress: what it is given is compressed already.
 *
 * @throws PermanentFailure for a passphrase that gpg would cut or not take.
 */
export function encryptStage({ passphrase, homeDirectory }: GpgPassphrase): Stage {
  return {
    file: 'gpg',
    name: 'gpg --symmetric',
    args: [
      ...common(homeDirectory),
      ...['--pinentry-mode', 'loopback', '--passphrase-fd', '3'],
      ...['--compress-algo', 'none', '--cipher-algo', 'AES256'],
      ...['--s2k-mode', '3', '--s2k-digest-algo', 'SHA512', '--s2k-count', '65011712'],
      '--symmetric',
    ],
    env: environment(homeDirectory),
    secretDescriptors: [checked(passphrase)],
  };
}

/**
 * Encrypts its input for the holders of private keys, so that an unattended backup needs no secret.
 *
 * @param publicKeyFiles - Public keys as exported by gpg; at least one.
 */
export function encryptForKeysStage({ publicKeyFiles, homeDirectory }: { publicKeyFiles: readonly string[]; homeDirectory: string }): Stage {
  return {
    file: 'gpg',
    name: 'gpg --encrypt',
    args: [
      ...common(homeDirectory),
      ...['--compress-algo', 'none', '--cipher-algo', 'AES256', '--trust-model', 'always'],
      ...publicKeyFiles.flatMap((file) => ['--recipient-file', file]),
      '--encrypt',
    ],
    env: environment(homeDirectory),
  };
}

/**
 * Decrypts its input. It gives content out before it knows that the end is sound, so that nothing may
 * be made of it before the pipeline succeeded; {@link explainDecryption} tells its failures apart.
 */
export function decryptStage({ passphrase, homeDirectory }: GpgPassphrase): Stage {
  return {
    file: 'gpg',
    name: 'gpg --decrypt',
    args: [...common(homeDirectory), '--status-fd', '2', '--pinentry-mode', 'loopback', '--passphrase-fd', '3', '--decrypt'],
    env: environment(homeDirectory),
    secretDescriptors: [checked(passphrase)],
  };
}

/** gpg's work as whole actions. */
export function createGpg({ runPipeline }: { runPipeline: RunPipeline }) {
  return {
    /**
     * Decrypts a file to its end and throws the content away: proof that the passphrase opens it and
     * that no byte of it has changed. That the content restores is another proof.
     *
     * @param through - Stages behind the decryption, such as a decompression that checks its trailer.
     * @throws WrongBackupPassphrase; PermanentFailure where the file is damaged or not encrypted.
     */
    async decryptFully(options: {
      readonly path: string;
      readonly through?: readonly Stage[];
      readonly signal?: AbortSignal;
      readonly onProgress?: (readBytes: number) => void;
    } & GpgPassphrase): Promise<Decrypted> {
      const { path, signal, onProgress } = options;
      if (!(await readEncryption(path))) throw notEncrypted(path);
      try {
        const { input, sizeBytes, sha256 } = await runPipeline({
          stages: [decryptStage(options), ...(options.through ?? [])],
          input: { path },
          output: 'discard',
          ...(signal ? { signal } : {}),
          ...(onProgress ? { onProgress: ({ inputBytes }) => { onProgress(inputBytes); } } : {}),
        });
        return { file: input ?? { sizeBytes: 0, sha256: undefined }, content: { sizeBytes, sha256 } };
      } catch (error) {
        throw explainDecryption(error, path);
      }
    },
  };
}

/**
 * What a pipeline's failure says of the encrypted file. A wrong passphrase is recognised by gpg's
 * check of the first two bytes, so that one in 65,536 is taken for damage.
 *
 * @param error - What the pipeline threw.
 * @returns An error of its own words, or the same error where it is not about the decryption.
 */
export function explainDecryption(error: unknown, path: string): unknown {
  if (!(error instanceof CommandFailed) || error.program !== 'gpg --decrypt' || error.exitCode === undefined) return error;
  const says = (pattern: RegExp) => pattern.test(error.stderr);
  if (says(/^\[GNUPG:\] NODATA 1$/m)) return notEncrypted(path);
  // Once gpg gives plaintext out the passphrase was right.
  const wasOpened = says(/^\[GNUPG:\] PLAINTEXT /m);
  if (!wasOpened && says(/11_BAD_PASSPHRASE|Bad session key|Bad passphrase/)) return new WrongBackupPassphrase(path);
  if (wasOpened || says(/^\[GNUPG:\] (DECRYPTION_FAILED|NODATA [23])$/m)) return damaged(path);
  return error;
}

function common(homeDirectory: string): readonly string[] {
  return ['--homedir', homeDirectory, '--no-options', '--batch', '--no-tty', '--no-autostart', '--no-symkey-cache', '--output', '-'];
}

// gpg exits with status 2 where HOME is not set, as under an init system.
function environment(homeDirectory: string): Readonly<Record<string, string>> {
  return { HOME: homeDirectory, GNUPGHOME: homeDirectory };
}

function checked(passphrase: string | Uint8Array): Uint8Array {
  const bytes = typeof passphrase === 'string' ? Buffer.from(passphrase) : passphrase;
  if (bytes.length === 0 || bytes.includes(0x0a) || bytes.includes(0)) {
    throw new PermanentFailure('the passphrase for gpg is empty or holds a newline or a NUL', 'gpg would cut it there: choose another');
  }
  return bytes;
}

function notEncrypted(path: string): PermanentFailure {
  return new PermanentFailure(`${path} is not an encrypted OpenPGP file`, 'do not count it as a backup; look at how it came there');
}

function damaged(path: string): PermanentFailure {
  return new PermanentFailure(`${path} was changed or cut after it was written: it does not decrypt to its end`, 'use another backup, and check the disk it lies on');
}
