import { CommandFailed, type Run } from './processes/runner.js';

/** A line of the kernel's log that tells of a failing disk or filesystem, or of a process that was ended for want of memory. */
export interface KernelError {
  /** ISO time, as the kernel's log has it. */
  readonly at: string;
  readonly message: string;
}

/** What of the kernel's log concerns a database. */
export interface KernelFindings {
  /** Errors of disks and filesystems. */
  readonly ioErrors: readonly KernelError[];
  /** Processes that were killed because memory ran out, the host's or a control group's. */
  readonly memoryKills: readonly KernelError[];
}

const ioErrors = [
  /\bI\/O error\b/i,
  /\bEXT4-fs (error|warning)\b/,
  /\bXFS .*(corrupt|metadata I\/O error|log I\/O error)/i,
  /\bBTRFS (error|critical)\b/,
  /\bdevice-mapper: (crypt|table).*(error|fail)/i,
  /\b(critical|medium|hardware) (medium|target|space allocation)? ?error\b/i,
  /\bloop: Write error\b/,
  /\bRemounting filesystem read-only\b/,
  /\b(ata|nvme)\S*:? .*(failed command|controller is down|exception Emask)/,
];

const memoryKills = [/\bout of memory: Killed process \d+/i];

/** The kernel's own log. */
export function createKernelLog({ run }: { readonly run: Run }) {
  /** The journal survives a reboot, the ring buffer is everywhere: the latter serves where the former is empty or missing. */
  async function readLines(since: Date): Promise<readonly string[]> {
    const sinceSeconds = Math.floor(since.getTime() / 1000);
    try {
      const journal = await run('journalctl', ['--dmesg', '--quiet', '--no-pager', '--output=short-iso', `--since=@${sinceSeconds}`]);
      if (journal.stdout.trim() !== '') return journal.stdout.split('\n').map((line) => line.replace(/^(\S+) \S+ kernel: /, '$1 '));
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
    }
    const buffer = await run('dmesg', ['--time-format', 'iso', '--nopager']);
    return buffer.stdout.split('\n');
  }

  return {
    /** What the kernel told since a moment, in its order. */
    read: async ({ since }: { readonly since: Date }): Promise<KernelFindings> => {
      const lines = (await readLines(since)).flatMap((line) => {
        const [, at, message] = /^(\d{4}-\S+)\s+(.*)$/.exec(line) ?? [];
        if (at === undefined || message === undefined) return [];
        const time = new Date(toIso(at));
        return time < since ? [] : [{ at: time.toISOString(), message }];
      });
      const matching = (patterns: readonly RegExp[]) => lines.filter(({ message }) => patterns.some((pattern) => pattern.test(message)));
      return { ioErrors: matching(ioErrors), memoryKills: matching(memoryKills) };
    },
  };
}

/** dmesg writes a comma before the fraction; older journals write a zone without a colon. */
function toIso(at: string): string {
  return at.replace(/,(\d{3})\d*/, '.$1').replace(/([+-]\d\d)(\d\d)$/, '$1:$2');
}
