import { PermanentFailure } from '../contract/errors.js';
import { errorCode } from './failure.js';
import { CommandFailed } from './processes/runner.js';

type Explain = (where: string | undefined) => PermanentFailure;

/** What the kernel says when a disk does not take or give data (errno(3)), and what a person does then. */
const diskFaults: Readonly<Record<string, Explain>> = {
  ENOSPC: (where) => new PermanentFailure(`${filesystemOf(where)} is full (ENOSPC)`, `free room there (df -h${argument(where)}), then retry`),
  EDQUOT: (where) => new PermanentFailure(`the quota of ${filesystemOf(where)} is used up (EDQUOT)`, 'raise it or free room there, then retry'),
  EROFS: (where) =>
    new PermanentFailure(
      `${filesystemOf(where)} is read-only (EROFS)`,
      `find out why (findmnt${where === undefined ? '' : ` --target ${where}`}; dmesg: an I/O error makes Linux do that), mount it writable again, then retry`,
    ),
  EIO: (where) => new PermanentFailure(`${where ?? 'a file'} can not be read or written: input/output error (EIO)`, 'the disk below it fails: look at dmesg and smartctl; retry once it answers'),
};

const dockerIsAway = /Cannot connect to the Docker daemon|Is the docker daemon running/i;

/**
 * Puts into words what is wrong with the host itself, whatever the step: a disk that is full, read-only
 * or failing, Docker that does not run. Anything else is given back as it is.
 *
 * @param error - What a step threw.
 * @param where - The path that was written or read, where the error does not say it.
 * @returns A {@link PermanentFailure} where only a person can mend it; a plain error where a later attempt finds it mended.
 */
export function explainHostFault(error: unknown, where?: string): unknown {
  if (error instanceof CommandFailed) {
    if (!dockerIsAway.test(error.stderr)) return error;
    return new Error('Docker does not answer: its daemon does not run; start it (systemctl start docker), and this step goes on');
  }
  if (error instanceof PermanentFailure) return error;
  const path = where ?? (error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined);
  return diskFaults[errorCode(error) ?? '']?.(path) ?? error;
}

function filesystemOf(where: string | undefined): string {
  return where === undefined ? 'a filesystem that Lockstep writes to' : `the filesystem of ${where}`;
}

function argument(where: string | undefined): string {
  return where === undefined ? '' : ` ${where}`;
}
