import { createCipherBenchmark } from './cipherBenchmark.js';
import { createLuksHeader } from './luksHeader.js';
import { createLuksHeaderBackup } from './luksHeaderBackup.js';
import { createLuksKeySlots } from './luksKeySlots.js';
import { createLuksMapping } from './luksMapping.js';
import { createLuksReencrypt } from './luksReencrypt.js';
import { createLuksRoles } from './luksRoles.js';
import { createLuksSlotFingerprint } from './luksSlotFingerprint.js';
import type { Run } from '../processes/runner.js';

export type { CipherRate } from './cipherBenchmark.js';
export { assertAes256Xts, weaknessOf } from './luksHeader.js';
export type { LuksHeader, LuksKeySlot, LuksToken } from './luksHeader.js';
export type { HeaderBackup } from './luksHeaderBackup.js';
export type { Argon2id } from './luksKeySlots.js';
export type { LuksStatus } from './luksMapping.js';
export { WrongPassphrase } from './luksPassphrase.js';
export type { Passphrase } from './luksPassphrase.js';
export type { ReencryptProgress } from './luksReencrypt.js';
export { rolesOf } from './luksRoles.js';
export type { LuksRole, LuksRoleToken } from './luksRoles.js';

/** cryptsetup, for LUKS2 volumes with AES-256-XTS and Argon2id only. */
export function createCryptsetup({ run }: { readonly run: Run }) {
  return {
    ...createLuksHeader({ run }),
    ...createLuksKeySlots({ run }),
    ...createLuksRoles({ run }),
    ...createLuksMapping({ run }),
    ...createLuksHeaderBackup({ run }),
    ...createLuksReencrypt({ run }),
    ...createCipherBenchmark({ run }),
    ...createLuksSlotFingerprint({ run }),
  };
}

/** What {@link createCryptsetup} makes. */
export type Cryptsetup = ReturnType<typeof createCryptsetup>;
