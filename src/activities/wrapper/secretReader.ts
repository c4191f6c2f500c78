import type { Call } from '../../contract/calls.js';
import { PermanentFailure, SecretNeeded } from '../../contract/errors.js';
import { passphrasePolicyOf } from '../../config/passphrasePolicy.js';
import type { Config, SecretName } from '../../config/schema.js';
import { parseSecretReference } from '../../config/secretReference.js';
import type { Who } from '../activity.js';
import { readSecretFile } from '../../host/files/secretFile.js';
import { judgeNewPassphrase } from '../../host/passphrases/passphraseStrength.js';
import type { SecretVault } from './secretVault.js';

/** Resolves the references of lockstep.yaml in memory, for one attempt of one node. */
export function createSecretReader({ config, vault, call }: { config: Config; vault: SecretVault; call: Call }) {
  const refuse = (name: SecretName, reason: string, isNew = false): never => {
    const reference = parseSecretReference(name, referenceOf(config, name));
    if (reference.kind === 'file') throw new PermanentFailure(`${reference.path} does not serve as ${name}: ${reason}`, 'put the right one there, then retry');
    vault.forget(name);
    throw new SecretNeeded(name, reason, isNew);
  };

  /** Whoever handed it over may have passed by the command line, which judges it first. */
  const assertStrong = async (name: SecretName, reason: string, value: Buffer): Promise<void> => {
    const { refusal } = await judgeNewPassphrase(value.toString('utf8'), passphrasePolicyOf(config));
    if (refusal !== undefined) refuse(name, `${refusal}. Still needed: ${reason}`, true);
  };

  return {
    read: async (
      name: SecretName,
      reason: string,
      { isNew = false, fresh = false }: { readonly isNew?: boolean; readonly fresh?: boolean } = {},
    ): Promise<Buffer> => {
      const reference = parseSecretReference(name, referenceOf(config, name));
      if (reference.kind === 'file') {
        const value = await readSecretFile(reference.path);
        if (isNew) await assertStrong(name, reason, value);
        return value;
      }
      const given = vault.get(name);
      // A fresh one was typed for this very node: what was typed before proves nothing about memory and safe.
      if (given === undefined || (fresh && !given.question.startsWith(`${call.node}.`))) throw new SecretNeeded(name, reason, isNew);
      if (isNew) await assertStrong(name, reason, given.value);
      return given.value;
    },
    refuse,
    giverOf: (name: SecretName): Who | undefined => {
      const given = vault.get(name);
      return given && { by: given.by, ...(given.from === undefined ? {} : { from: given.from }) };
    },
  };
}

function referenceOf(config: Config, name: SecretName): string {
  if (name !== 'testAccountPassword') return config.secrets[name];
  return config.verification.testAccount?.password ?? 'ask:';
}
