import { randomUUID } from 'node:crypto';

/**
 * Names one worker process to the server: `host/bootId/uuid`. A host's name has no slash, so the
 * first part tells on which host an attempt was started and the rest whether by this process.
 *
 * @param bootId - The kernel's, from /proc/sys/kernel/random/boot_id.
 */
export function createIdentity(host: string, bootId: string): string {
  return `${host}/${bootId}/${randomUUID()}`;
}

/** Whether an attempt was started by another process of the same host, which is dead: only one lives at a time. */
export function isDeadPredecessor(identity: string, own: string): boolean {
  const host = own.slice(0, own.indexOf('/') + 1);
  return identity !== own && identity.startsWith(host);
}
