/** How grave a line is. The plan's checks count the word ERROR, so no other line may contain it. */
export type Level = 'INFO' | 'ERROR';

/** Writes one line. */
export type Log = (level: Level, message: string) => void;

/**
 * The application's log on standard output, one line per event: time, level, message.
 *
 * @param write - Where a line goes.
 */
export function createLog(write: (line: string) => void = (line) => process.stdout.write(line)): Log {
  return (level, message) => write(`${new Date().toISOString()} ${level} ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}
