/** A figure with its label, ready to be shown: `['size', '1.7 GB']`. */
export type Fact = readonly [label: string, value: string];

/** Figures in the order in which a person reads them. */
export type Facts = readonly Fact[];

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/**
 * Bytes in the largest binary unit that leaves a figure of at least 1, with three digits.
 *
 * @param sizeBytes - A count of bytes, zero or more.
 */
export function formatBytes(sizeBytes: number): string {
  const power = sizeBytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(sizeBytes) / 10));
  const value = sizeBytes / 1024 ** power;
  // From a thousand on toPrecision would write an exponent.
  return `${power === 0 || value >= 1000 ? value.toFixed(0) : value.toPrecision(3)} ${units[power] ?? 'B'}`;
}

/**
 * A duration as a person says it: `0.4 s`, `37 s`, `4 min 05 s`, `2 h 10 min`.
 *
 * @param seconds - Zero or more.
 */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${twoDigits(Math.floor((whole % 3600) / 60))} min`;
}

/** @param isoTime - Of UTC. @returns `2026-01-01 03:00 UTC`. */
export function formatMinute(isoTime: string): string {
  return `${isoTime.slice(0, 16).replace('T', ' ')} UTC`;
}

/** A count with thousands separated by a thin mark: `5,012`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** A count with what is counted, in its number: `1 file`, `5,012 files`. */
export function formatCountOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
