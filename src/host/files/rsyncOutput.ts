/** How far a copy has come. */
export interface CopyProgress {
  /** Of the whole, those included that needed no copying. */
  readonly bytes: number;
  readonly percent: number;
  readonly bytesPerSecond: number;
  /** As rsync estimates it; once done, what it took. */
  readonly etaSeconds: number;
}

/** What a copy came to. */
export interface CopyStatistics {
  readonly files: number;
  readonly regularFiles: number;
  readonly deletedFiles: number;
  readonly transferredFiles: number;
  /** Of all regular files. */
  readonly totalBytes: number;
  /** Content that was really written. */
  readonly literalBytes: number;
}

const unitBytes: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** A line of `--info=progress2`, or undefined for any other line. */
export function parseProgress(line: string): CopyProgress | undefined {
  const match = /^\s*(\d+)\s+(\d+)%\s+([\d.]+)([kMGT]?B)\/s\s+(\d+):(\d\d):(\d\d)/.exec(line);
  if (match === null) return undefined;
  const [bytes, percent, rate, unit, hours, minutes, seconds] = match.slice(1);
  return {
    bytes: Number(bytes),
    percent: Number(percent),
    bytesPerSecond: Math.round(Number(rate) * (unitBytes[unit ?? 'B'] ?? 1)),
    etaSeconds: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
  };
}

/**
 * The figures of `--stats --no-human-readable`.
 *
 * @throws when one is missing: the copy then did not say that it finished.
 */
export function parseStatistics(lines: readonly string[]): CopyStatistics {
  const text = lines.join('\n');
  const find = (pattern: RegExp): number => {
    const value = pattern.exec(text)?.[1];
    if (value === undefined) throw new Error(`rsync ended without the figure ${pattern.source} in its statistics`);
    return Number(value.replaceAll(',', ''));
  };
  // A tree without regular files has no `reg:` at all.
  const regular = /^Number of files: [\d,]+ \(.*\breg: ([\d,]+)/m.exec(text)?.[1];
  return {
    files: find(/^Number of files: ([\d,]+)/m),
    regularFiles: Number((regular ?? '0').replaceAll(',', '')),
    deletedFiles: find(/^Number of deleted files: ([\d,]+)/m),
    transferredFiles: find(/^Number of regular files transferred: ([\d,]+)/m),
    totalBytes: find(/^Total file size: ([\d,]+) bytes/m),
    literalBytes: find(/^Literal data: ([\d,]+) bytes/m),
  };
}
