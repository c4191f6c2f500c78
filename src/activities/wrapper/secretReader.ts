import type { Call } from '../../contract/calls.js';
import { PermanentFailure, SecretNeeded } from '../../contract/errors.js';
import type { Config, SecretName } from '../../config/schema.js';
import { parseSecretReference } from '../../config/secretReference.js';
import type { Who } from '../activity.js';
import { readSecretFile } from '../../host/files/secretFile.js';
import type { SecretVault } from './secretVault.js';

/** Resolves the references of lockstep.yaml in memory, for one attempt of one node. */
export function createSecretReader({ config, vault, call }: { config: Config; vault: SecretVault; call: Call }) {
  return {
    read: async (
      name: SecretName,
      reason: string,
      { isNew = false, fresh = false }: { readonly isNew?: boolean; readonly fresh?: boolean } = {},
    ): Promise<Buffer> => {
      const reference = parseSecretReference(name, referenceOf(config, name));
      if (reference.kind === 'file') return readSecretFile(reference.path);
      const given = vault.get(name);
      // A fresh one was typed for this very node: what was typed before proves nothing about memory and safe.
      if (given === undefined || (fresh && !given.question.startsWith(`${call.node}.`))) throw new SecretNeeded(name, reason, isNew);
      return given.value;
    },
    refuse: (name: SecretName, reason: string, isNew = false): never => {
      const reference = parseSecretReference(name, referenceOf(config, name));
      if (reference.kind === 'file') throw new PermanentFailure(`${reference.path} does not serve as ${name}: ${reason}`, 'put the right one there, then retry');
      vault.forget(name);
      throw new SecretNeeded(name, reason, isNew);
    },
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
