/**
 * How often the data passes through the disk while users are offline, in the plan's order: dumped for the
 * final backup, decrypted to its end, restored for its proof, copied, and read once more on both sides.
 */
const passesInWindow = 6;
/** Stops, starts and the throw-away server, however small the database is. */
const fixedSeconds = 60;
const bytesPerGigabyte = 1e9;

/**
 * How long users will be offline, about.
 *
 * @param bytesPerSecond - What the disk writes in sequence.
 */
export function estimateOfflineSeconds({ sizeBytes, bytesPerSecond }: { readonly sizeBytes: number; readonly bytesPerSecond: number }): number {
  return (passesInWindow * sizeBytes) / Math.max(bytesPerSecond, 1) + fixedSeconds;
}

/**
 * The plan's own estimate, 3.1.
 *
 * @param minutesPerGigabyte - The plan's 1.5.
 */
export function estimateOfPlanSeconds(sizeBytes: number, minutesPerGigabyte = 1.5): number {
  return (sizeBytes / bytesPerGigabyte) * minutesPerGigabyte * 60;
}
