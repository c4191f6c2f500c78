import type { Call } from '../../contract/calls.js';
import { PermanentFailure, SecretNeeded } from '../../contract/errors.js';
import { passphrasePolicyOf } from '../../config/passphrasePolicy.js';
import type { Config, SecretName } from '../../config/schema.js';
import { parseSecretReference, type SecretReference } from '../../config/secretReference.js';
import type { SecretReferenceSetting } from '../../config/secretReferenceSchema.js';
import { readSecretFile } from '../../host/files/secretFile.js';
import { readSystemdCredential } from '../../host/files/systemdCredential.js';
import { judgeNewPassphrase } from '../../host/passphrases/passphraseStrength.js';
import type { Run } from '../../host/processes/runner.js';
import { readSecretCommand } from '../../host/processes/secretCommand.js';
import type { Who } from '../activity.js';
import type { SecretVault } from './secretVault.js';

/** What the references of one attempt are resolved with. */
export interface SecretReaderSettings {
  readonly config: Config;
  readonly vault: SecretVault;
  readonly call: Call;
  /** The attempt's own: a program that prints a secret ends with it. */
  readonly run: Run;
  /** Where systemd put the worker's credentials; undefined where it was given none. */
  readonly credentialsDirectory: string | undefined;
}

/**
 * Resolves the references of lockstep.yaml in memory, for one attempt of one node. Each secret handed out
 * is a buffer of that attempt's own, so that the vault may drop its one at any time, and is overwritten
 * when the attempt has ended.
 */
export function createSecretReader({ config, vault, call, run, credentialsDirectory }: SecretReaderSettings) {
  const handedOut: Buffer[] = [];
  let hasEnded = false;

  const handOut = (secret: Buffer): Buffer => {
    handedOut.push(secret);
    if (!hasEnded) return secret;
    secret.fill(0);
    throw new Error('the attempt that asks for a secret has ended');
  };

  const refuse = (name: SecretName, reason: string, isNew = false): never => {
    const reference = parseSecretReference(name, referenceOf(config, name));
    if (reference.kind !== 'ask') {
      const { fact, nextMove } = explainSource(reference);
      throw new PermanentFailure(`${fact} does not serve as ${name}: ${reason}`, nextMove);
    }
    vault.forget(name);
    throw new SecretNeeded(name, reason, isNew);
  };

  /** @returns A buffer of the attempt's own; nothing has been asked of what is in it yet. */
  const resolve = async (name: SecretName, reason: string, { isNew, fresh }: { readonly isNew: boolean; readonly fresh: boolean }): Promise<Buffer> => {
    const reference = parseSecretReference(name, referenceOf(config, name));
    if (reference.kind === 'file') return readSecretFile(reference.path);
    if (reference.kind === 'systemd-credential') return readSystemdCredential({ credential: reference.credential, directory: credentialsDirectory });
    if (reference.kind === 'exec') return readSecretCommand(run, reference);
    const given = vault.get(name);
    // A fresh one was typed for this very node: what was typed before proves nothing about memory and safe.
    if (given === undefined || (fresh && !given.question.startsWith(`${call.node}.`))) throw new SecretNeeded(name, reason, isNew);
    return Buffer.from(given.value);
  };

  /** A new one may have passed by the command line, which judges it first, or come from a file or a vault. */
  const assertStrong = async (name: SecretName, reason: string, secret: Buffer): Promise<void> => {
    const { refusal } = await judgeNewPassphrase(secret.toString('utf8'), passphrasePolicyOf(config));
    if (refusal === undefined) return;
    secret.fill(0);
    refuse(name, `${refusal}. Still needed: ${reason}`, true);
  };

  return {
    read: async (
      name: SecretName,
      reason: string,
      { isNew = false, fresh = false }: { readonly isNew?: boolean; readonly fresh?: boolean } = {},
    ): Promise<Buffer> => {
      const secret = await resolve(name, reason, { isNew, fresh });
      if (isNew) await assertStrong(name, reason, secret);
      return handOut(secret);
    },
    refuse,
    giverOf: (name: SecretName): Who | undefined => {
      if (parseSecretReference(name, referenceOf(config, name)).kind !== 'ask') return undefined;
      const given = vault.get(name);
      return given && { by: given.by, ...(given.from === undefined ? {} : { from: given.from }) };
    },
    /** Overwrites all that was handed out; to be called when nothing uses it any more. */
    overwrite: (): void => {
      hasEnded = true;
      for (const secret of handedOut) secret.fill(0);
    },
  };
}

/** Whence a secret came that nobody typed, and how another one gets there. */
function explainSource(reference: Exclude<SecretReference, { readonly kind: 'ask' }>): { readonly fact: string; readonly nextMove: string } {
  switch (reference.kind) {
    case 'file':
      return { fact: reference.path, nextMove: 'put the right one there, then retry' };
    case 'systemd-credential':
      return { fact: `the systemd credential ${reference.credential}`, nextMove: 'make it anew with the right one, "systemctl restart lockstep-worker", then retry' };
    case 'exec':
      return { fact: `what ${reference.command[0]} prints`, nextMove: 'store the right one there, or correct its arguments in lockstep.yaml, then retry' };
  }
}

function referenceOf(config: Config, name: SecretName): SecretReferenceSetting {
  if (name !== 'testAccountPassword') return config.secrets[name];
  return config.verification.testAccount?.password ?? 'ask:';
}
