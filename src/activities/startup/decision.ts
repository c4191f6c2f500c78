import type { ServiceStanding, Standing } from './standing.js';

/** What a worker does about a host that no run holds. */
export type StartDecision =
  /** `startup` is begun, by the boot or by the watch. */
  | { readonly start: 'boot' | 'watch'; readonly why: string }
  /** Containers that were stopped by hand, or may have been. */
  | { readonly leaveAlone: readonly ServiceStanding[] }
  | undefined;

/** So long Docker may still be noting how a container ended, or somebody be restarting it. */
const settlingSeconds = 5;

/**
 * Whether a host that no run holds is to be started up: pure, on what was seen of it.
 *
 * @param mayAsk - The volume has not been seen open since this worker began, nor was its passphrase asked for: a boot has
 * closed it, and not an administrator.
 */
export function decideStart({ isSelected, volume, shutDown, bootId, services }: Standing, mayAsk: boolean, now: Date): StartDecision {
  if (!isSelected || volume === 'missing') return undefined;
  if (volume !== 'open') {
    const isClosedOnPurpose = shutDown?.bootId === bootId;
    return mayAsk && !isClosedOnPurpose ? { start: 'boot', why: 'the volume is not open: the host was booted' } : undefined;
  }
  const ended = services.filter(({ end }) => end !== undefined && !isSettling(end.at, now));
  const wanted = ended.filter(({ end }) => end?.isLeftAlone === false);
  if (wanted.length > 0) return { start: 'watch', why: wanted.map(({ container, end }) => `${container}: ${end?.cause ?? ''}`).join('; ') };
  return ended.length === 0 ? undefined : { leaveAlone: ended };
}

function isSettling(at: string | undefined, now: Date): boolean {
  return at !== undefined && Math.abs(now.getTime() - Date.parse(at)) < settlingSeconds * 1000;
}
