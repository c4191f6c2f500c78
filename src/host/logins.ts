import { CommandFailed, type Run } from './processes/runner.js';

/** One login to the host. */
export interface Login {
  readonly by: string;
  /** An address or a name; absent of one at the console. */
  readonly from?: string;
  /** ISO time, or as it was written where that is none. */
  readonly at: string;
}

/** Who was on the host, by what is there to tell. */
export interface Logins {
  /** By `last`(1): its file may begin later than what was asked for. */
  readonly sessions: readonly Login[];
  /** By sshd's own words in the journal. */
  readonly accepted: readonly Login[];
  /** Logins that sshd refused. */
  readonly refused: number;
  /** Addresses that these came from. */
  readonly refusedFrom: number;
  /** Programs that are missing here, or failed: nothing is known from them. */
  readonly lacking: readonly string[];
  /** Everything that was said, to be read. */
  readonly lines: readonly string[];
}

/** Who has logged in. */
export function createLogins({ run }: { readonly run: Run }) {
  async function readSessions(since: Date): Promise<readonly string[]> {
    const seconds = Math.floor(since.getTime() / 1000);
    const { stdout } = await run('last', ['--fullnames', '--ip', '--time-format', 'iso', '--since', toLocal(new Date(seconds * 1000))]);
    return stdout.split('\n').filter((line) => line.trim() !== '');
  }

  /** The last login of each account, also where `last` has forgotten it. */
  async function readLastLogins(since: Date, now: Date): Promise<readonly string[]> {
    const days = Math.ceil((now.getTime() - since.getTime()) / 86_400_000);
    return (await run('lastlog', ['--time', String(days)])).stdout.split('\n').filter((line) => line.trim() !== '');
  }

  async function readSshd(since: Date, keep: (line: string) => void): Promise<void> {
    const matches = ['_COMM=sshd', '_COMM=sshd-session'];
    await run('journalctl', ['--quiet', '--no-pager', '--output=short-iso', `--since=@${Math.floor(since.getTime() / 1000)}`, ...matches], { timeout: 'standard', onLine: keep });
  }

  return {
    /** Who was here since a moment. A program that is missing is named, and the others still tell. */
    async read({ since, now }: { readonly since: Date; readonly now: Date }): Promise<Logins> {
      const lacking: string[] = [];
      const orLacking = async <R>(program: string, read: Promise<R>): Promise<R | undefined> =>
        read.catch((error: unknown) => {
          if (!(error instanceof CommandFailed)) throw error;
          lacking.push(program);
          return undefined;
        });
      const accepted: Login[] = [];
      const acceptedLines: string[] = [];
      const refusedFrom = new Map<string, number>();
      await orLacking('journalctl', readSshd(since, (line) => {
        const login = parseAccepted(line);
        if (login !== undefined) {
          accepted.push(login);
          acceptedLines.push(line);
        }
        const address = /^\S+ \S+ sshd[^:]*: Failed \S+ for .* from (\S+) port \d+/.exec(line)?.[1];
        if (address !== undefined) refusedFrom.set(address, (refusedFrom.get(address) ?? 0) + 1);
      }));
      const sessionLines = (await orLacking('last', readSessions(since))) ?? [];
      const lastLines = (await orLacking('lastlog', readLastLogins(since, now))) ?? [];
      return {
        sessions: sessionLines.flatMap((line) => parseSession(line) ?? []),
        accepted,
        refused: [...refusedFrom.values()].reduce((sum, count) => sum + count, 0),
        refusedFrom: refusedFrom.size,
        lacking,
        lines: [
          ...['## last', ...sessionLines, '', '## lastlog', ...lastLines, '', '## sshd: accepted', ...acceptedLines, '', '## sshd: refused, by address'],
          ...[...refusedFrom].toSorted((one, other) => other[1] - one[1]).map(([address, count]) => `${count} from ${address}`),
        ],
      };
    },
  };
}

/** A line of `last --fullnames --ip --time-format iso`: `ann pts/0 192.0.2.7 2026-11-01T10:00:00+00:00 - …`. */
function parseSession(line: string): Login | undefined {
  const [, by, from, at] = /^(\S+)\s+\S+(?:\s+(\S+))?\s+(\d{4}-\d\d-\d\dT\S+)/.exec(line) ?? [];
  if (by === undefined || at === undefined || nobody.has(by)) return undefined;
  return { by, at, ...(from === undefined || from === '0.0.0.0' ? {} : { from }) };
}

/** What `last` writes in the place of a name: the host's own comings and goings, and where its file begins. */
const nobody: ReadonlySet<string> = new Set(['reboot', 'shutdown', 'runlevel', 'wtmp']);

/**
 * A line of sshd: `2026-11-01T10:00:00+0000 db1 sshd[812]: Accepted publickey for ann from 192.0.2.7 port 50212 ssh2: …`.
 * The words have to be its own first ones: the name that a stranger tries to log in with may hold any.
 */
function parseAccepted(line: string): Login | undefined {
  const [, at, by, from] = /^(\S+) \S+ sshd[^:]*: Accepted \S+ for (\S+) from (\S+) port \d+/.exec(line) ?? [];
  return at === undefined || by === undefined || from === undefined ? undefined : { at, by, from };
}

/** As `last` takes a time: of the host's own clock. */
function toLocal(time: Date): string {
  const two = (figure: number) => String(figure).padStart(2, '0');
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}
