import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDirectory } from '../files/ensureDirectory.js';
import { CommandFailed, type Run, type RunOptions } from '../processes/runner.js';
import { renderAnchor, type AnchorPlace } from './anchor.js';

/** A repository, and what it is reached with. */
export interface AnchorRepositorySettings {
  /** As `git push` takes it, without a password. */
  readonly remote: string;
  /** It is made where the repository has none of that name. */
  readonly branch: string;
  readonly run: Run;
  /** The repository is put together in a folder of it. */
  readonly directory: string;
}

/**
 * A branch of a Git repository, with a file for each host, `<host>.anchors`. Each anchor is a commit on
 * what the remote has, never forced. Protect the branch there against being rewritten.
 *
 * The own copy is made anew each time: a power cut may have damaged it. It has no work tree, so that
 * nothing that others put into the repository, such as a symbolic link, is ever laid down on this host.
 */
export function createAnchorRepository({ remote, branch, run, directory }: AnchorRepositorySettings): AnchorPlace {
  const copy = join(directory, `anchors-${createHash('sha256').update(`${remote} ${branch}`).digest('hex').slice(0, 12)}.git`);
  const reference = `refs/heads/${branch}`;

  async function git(args: readonly string[], options: RunOptions = {}): Promise<string> {
    try {
      return (await run('git', [`--git-dir=${copy}`, ...settings, ...args], { timeout: 'standard', env: askNobody, ...options })).stdout;
    } catch (error) {
      throw explain(error, remote);
    }
  }

  /** @returns The remote's last commit of the branch, fetched; undefined where it has none yet. */
  async function fetchBranch(): Promise<string | undefined> {
    const found = await git(['ls-remote', '--', remote, reference]);
    if (found.trim() === '') return undefined;
    await git(['fetch', '--quiet', '--depth=1', '--no-tags', '--', remote, reference]);
    return (await git(['rev-parse', 'FETCH_HEAD'])).trim();
  }

  async function readFile(parent: string | undefined, file: string): Promise<string> {
    if (parent === undefined || (await git(['ls-tree', parent, '--', file])).trim() === '') return '';
    const text = await git(['cat-file', 'blob', `${parent}:${file}`]);
    return text === '' || text.endsWith('\n') ? text : `${text}\n`;
  }

  return {
    name: `git ${remote} ${branch}`,
    async send(anchor) {
      await rm(copy, { recursive: true, force: true });
      await ensureDirectory(copy, 0o700);
      await git(['init', '--quiet', '--bare']);
      const parent = await fetchBranch();
      const file = `${anchor.host}.anchors`;
      const before = await readFile(parent, file);
      const line = `${renderAnchor(anchor)}\n`;
      // The push before may have arrived without an answer.
      if (before.includes(` ${anchor.host} ${anchor.sequence} ${anchor.chain}\n`)) return;
      const blob = (await git(['hash-object', '-w', '--stdin'], { input: `${before}${line}` })).trim();
      if (parent !== undefined) await git(['read-tree', parent]);
      await git(['update-index', '--add', '--cacheinfo', `100644,${blob},${file}`]);
      const tree = (await git(['write-tree'])).trim();
      const message = `Anchor ${anchor.host}'s audit log at line ${anchor.sequence}\n`;
      const commit = (await git(['commit-tree', tree, ...(parent === undefined ? [] : ['-p', parent])], { input: message })).trim();
      await git(['push', '--quiet', '--', remote, `${commit}:${reference}`]);
      await rm(copy, { recursive: true, force: true });
    },
  };
}

/** The machine's own settings of Git stay out of it, but for what reaches the remote. */
const settings = ['-c', 'user.name=Lockstep', '-c', 'user.email=lockstep@localhost', '-c', 'commit.gpgSign=false', '-c', 'core.hooksPath=/dev/null'];

/** Nobody sits there: what would ask fails instead. */
const askNobody = { GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '/bin/false', SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force' };

/** For the worker's own log, which is told what git said; no secret is in a remote. */
function explain(error: unknown, remote: string): unknown {
  if (!(error instanceof CommandFailed)) return error;
  const lines = error.stderr.split('\n').map((line) => line.trim());
  // Of a push the line before the last says why.
  const words = lines.find((line) => /^(!|fatal:)/.test(line)) ?? lines.findLast((line) => line !== '');
  return new Error(`${remote}: ${error.message}${words === undefined ? '' : `: ${words.slice(0, 200)}`}`);
}
