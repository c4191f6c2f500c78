import { child } from '../words.js';
import { loginEvidence, unlockEvidence } from './evidence.js';
import { immediately, item } from './item.js';

export const assessBlastRadius = item(immediately, {
  id: 'assess-blast-radius',
  title: 'The blast radius is assessed: who had access to the passphrase, and since when',
  evidence: ({ from }) => loginEvidence(from),
});

export const readUnlocks = item(immediately, {
  id: 'unlocks-reviewed',
  title: 'The audit log is reviewed for unauthorised unlocks: each unusual one is explained, or named as unauthorised',
  evidence: ({ from }) => unlockEvidence(from),
});

export const rotateKeys = child({
  id: 'rotate-keys',
  title: 'Emergency key rotation: operational and recovery key',
  plan: '5.3',
  runbook: 'rotateKey',
  input: ({ input: { awareSince } }) => ({ emergency: true, reason: 'incident', keys: 'both', ...(awareSince === undefined ? {} : { awareSince }) }),
  due: immediately,
});

export const relatedPasswords = item(immediately, {
  id: 'related-passwords',
  title: "Related passwords are changed: server access, the password manager's master password",
});

export const notifyKeyHolders = item(immediately, {
  id: 'notify-key-holders',
  title: 'All key holders are notified',
});
