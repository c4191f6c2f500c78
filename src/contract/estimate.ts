/** How often the data passes through the disk for a backup: dumped, decrypted to its end, restored for its proof. */
const passesOfBackup = 3;
/** The same for the move: copied, and read once more on both sides. */
const passesOfMove = 3;
/** Stops, starts and the throw-away server, however small the database is. */
const fixedSeconds = 60;
const bytesPerGigabyte = 1e9;

/** What is known of the work that is done while users are offline. */
export interface OfflineFigures {
  readonly sizeBytes: number;
  /** What the disk writes in sequence. */
  readonly bytesPerSecond: number;
  /** How long a backup and its verification have taken here, of how much: the processor counts in them as much as the disk. */
  readonly backup?: { readonly seconds: number; readonly ofBytes: number };
}

/** How long users will be offline, about: the final backup, its proof, and the move. */
export function estimateOfflineSeconds({ sizeBytes, bytesPerSecond, backup }: OfflineFigures): number {
  const passes = (times: number): number => (times * sizeBytes) / Math.max(bytesPerSecond, 1);
  const backupSeconds = backup === undefined ? passes(passesOfBackup) : (backup.seconds * sizeBytes) / Math.max(backup.ofBytes, 1);
  return backupSeconds + passes(passesOfMove) + fixedSeconds;
}

/**
 * The plan's own estimate, 3.1.
 *
 * @param minutesPerGigabyte - The plan's 1.5.
 */
export function estimateOfPlanSeconds(sizeBytes: number, minutesPerGigabyte = 1.5): number {
  return (sizeBytes / bytesPerGigabyte) * minutesPerGigabyte * 60;
}
