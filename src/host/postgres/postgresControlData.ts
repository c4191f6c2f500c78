import { PermanentFailure } from '../../contract/errors.js';

/** A cluster's control file, as pg_controldata prints it. */
export interface ControlData {
  /** Made by initdb, and kept by every copy of the files. Too large for a number. */
  readonly systemIdentifier: string;
  /** `shut down` after a clean stop, `in production` while it runs or after a crash. */
  readonly state: string;
  /** Where the last checkpoint lies in the WAL: it moves whenever the cluster was started. */
  readonly checkpointLocation: string;
  readonly redoLocation: string;
  readonly timeline: number;
  /** As PostgreSQL prints it; for people. */
  readonly checkpointTime: string;
  /** Whether pages carry checksums, which `pg_checksums` can verify in a stopped cluster. */
  readonly hasChecksums: boolean;
}

/**
 * Reads what pg_controldata printed under LC_ALL=C.
 *
 * @param where - The data directory, for errors.
 * @throws PermanentFailure where the control file is damaged, or the output is of another kind.
 */
export function parseControlData({ stdout, stderr }: { stdout: string; stderr: string }, where: string): ControlData {
  if (/CRC checksum does not match/i.test(stdout + stderr)) {
    throw new PermanentFailure(`the control file of ${where} is damaged (its checksum does not match)`, 'check the disk; do not start this cluster');
  }
  const values = new Map(
    stdout.split('\n').flatMap((line) => {
      const match = /^([^:]+):\s+(.*)$/.exec(line);
      return match?.[1] === undefined || match[2] === undefined ? [] : [[match[1], match[2].trim()]];
    }),
  );
  const read = (label: string): string => {
    const value = values.get(label);
    if (value !== undefined) return value;
    throw new PermanentFailure(`pg_controldata says no "${label}" of ${where}`, 'is it the program of the same image as the database?');
  };
  return {
    systemIdentifier: read('Database system identifier'),
    state: read('Database cluster state'),
    checkpointLocation: read('Latest checkpoint location'),
    redoLocation: read("Latest checkpoint's REDO location"),
    timeline: Number(read("Latest checkpoint's TimeLineID")),
    checkpointTime: read('Time of latest checkpoint'),
    hasChecksums: read('Data page checksum version') !== '0',
  };
}
