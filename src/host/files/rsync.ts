import { PermanentFailure } from '../../contract/errors.js';
import { explain } from '../failure.js';
import { parseProgress, parseStatistics, type CopyProgress, type CopyStatistics } from './rsyncOutput.js';
import type { Run } from '../processes/runner.js';

export type { CopyProgress, CopyStatistics } from './rsyncOutput.js';

/** Which directories, and how they are compared. */
export interface CopyRequest {
  /** The directory whose content is copied. */
  readonly source: string;
  /** The directory that becomes equal to it; what it has besides is removed. */
  readonly target: string;
  /** Top-level names that are neither copied nor removed, for example a sentinel. */
  readonly exclude?: readonly string[];
  /** Compare by content instead of size and time: for a target that a power cut may have left half written. */
  readonly checksum?: boolean;
}

/**
 * What is in a target before a copy: `part of this copy` is what a copy into `nothing` left there when it was
 * killed, in the same boot, of a source that is still the same.
 */
export type TargetContent = 'anything' | 'nothing' | 'part of this copy';

/** How a copy tells of itself, and is ended. */
export interface CopyOptions {
  readonly liveSource?: boolean | undefined;
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What sets a target apart from its source, as rsync sees it. */
export interface CopyDifferences {
  readonly count: number;
  /** The first of them, as rsync's `--itemize-changes` writes them. */
  readonly first: readonly string[];
}

const namedAtMost = 20;

/**
 * rsync between two directories of one host.
 *
 * Files are written under a temporary name and renamed, except into an empty target: there they are written in
 * place, and a copy that was killed goes on where its last file ends (`--append`) instead of reading up to 1 GiB
 * again. Anywhere else that would write through hard links which the source no longer has, and take the beginning
 * of an older file for that of a newer one. Holes are not made (`--sparse`): a database that
 * preallocated its log would find the disk full under it. Times are compared to the nanosecond
 * (`--modify-window=-1`): by whole seconds, a block written twice within one is missed.
 */
export function createRsync({ run }: { readonly run: Run }) {
  async function toArgs({ source, target, exclude = [], checksum = false }: CopyRequest, writing: readonly string[] = ['--whole-file']): Promise<readonly string[]> {
    return [
      ...['--archive', '--hard-links', '--numeric-ids', '--delete', '--modify-window=-1', ...writing, ...(await attributeArgs())],
      ...(checksum ? ['--checksum'] : []),
      ...exclude.map((name) => `--exclude=/${name}`),
      ...['--', asContent(source), asContent(target)],
    ];
  }

  /** Access lists and extended attributes, where this rsync was built with them. */
  async function attributeArgs(): Promise<readonly string[]> {
    const { stdout } = await run('rsync', ['--version']);
    const has = (capability: string) => new RegExp(`(?<!no )\\b${capability}\\b`).test(stdout);
    return [...(has('ACLs') ? ['--acls'] : []), ...(has('xattrs') ? ['--xattrs'] : [])];
  }

  async function copyOnce(request: CopyRequest, writing: readonly string[], { onProgress, liveSource = false, signal }: CopyOptions): Promise<CopyStatistics & { readonly vanished: boolean }> {
    const lines: string[] = [];
    const reporting = ['--no-inc-recursive', '--no-human-readable', '--info=progress2', '--stats', '--outbuf=L'];
    try {
      const { exitCode } = await run('rsync', [...reporting, ...(await toArgs(request, writing))], {
        timeout: 'unlimited',
        answers: liveSource ? [0, 24] : [0],
        onLine: (line) => {
          const progress = parseProgress(line);
          if (progress === undefined) lines.push(line);
          else onProgress?.(progress);
        },
        ...(signal === undefined ? {} : { signal }),
      });
      return { ...parseStatistics(lines), vanished: exitCode === 24 };
    } catch (error) {
      return explainCopy(error, request);
    }
  }

  return {
    /**
     * Makes the target's content equal to the source's; what is equal by then is not read again.
     * The copy counts only once the target's filesystem is synced.
     *
     * @param holds - What is in the target; default `anything`.
     * @param liveSource - The source is in use: files that vanish meanwhile are expected, and told of.
     * @throws {@link PermanentFailure} when the target is full or read-only, or a file can not be read.
     * @throws when anything was left out.
     */
    async copy({ onProgress, liveSource, signal, holds = 'anything', ...request }: CopyRequest & CopyOptions & { readonly holds?: TargetContent }): Promise<CopyStatistics & { readonly vanished: boolean }> {
      const options: CopyOptions = { onProgress, liveSource, signal };
      if (holds !== 'part of this copy') return copyOnce(request, holds === 'nothing' ? ['--whole-file', '--inplace'] : ['--whole-file'], options);
      const goneOn = await copyOnce(request, ['--append'], options);
      // A file that had all of its bytes and not yet its time was passed over.
      const rest = await copyOnce(request, ['--whole-file'], { liveSource, signal });
      return {
        ...rest,
        vanished: goneOn.vanished || rest.vanished,
        deletedFiles: goneOn.deletedFiles + rest.deletedFiles,
        transferredFiles: goneOn.transferredFiles + rest.transferredFiles,
        literalBytes: goneOn.literalBytes + rest.literalBytes,
      };
    },

    /** What a copy would change now, without changing it. */
    async readDifferences(request: CopyRequest): Promise<CopyDifferences> {
      const found: string[] = [];
      try {
        await run('rsync', ['--dry-run', '--itemize-changes', ...(await toArgs(request))], {
          timeout: 'unlimited',
          onLine: (line) => found.push(line),
        });
      } catch (error) {
        return explainCopy(error, request);
      }
      return { count: found.length, first: found.slice(0, namedAtMost) };
    },
  };
}

/** What {@link createRsync} makes. */
export type Rsync = ReturnType<typeof createRsync>;

function explainCopy(error: unknown, { source, target }: CopyRequest): never {
  return explain(error, [
    {
      says: /No space left on device/,
      then: () => new PermanentFailure(`${target} is full before all of ${source} is copied`, `see what else takes room there (df -h ${target}), remove it and retry; or roll back and start again with a larger volume.growthPercent`),
    },
    {
      says: /Read-only file system/,
      then: () =>
        new PermanentFailure(
          `${target} is read-only, and nothing can be copied to it`,
          `find out why (dmesg: an I/O error makes Linux do that), mount it writable (mount -o remount,rw on what findmnt --target ${target} shows), then retry; or roll back`,
        ),
    },
    {
      // The last of them is "Structure needs cleaning" or a failed checksum of the filesystem's own.
      says: /"([^"\n]+)"[^\n]*: (Input\/output error|Structure needs cleaning|Bad message)/,
      then: ([, path = source, reason = '']) =>
        new PermanentFailure(
          `${path} could not be copied: ${reason.toLowerCase()}; the disk below it fails, and the copy is not complete`,
          'look at dmesg and smartctl; retry once the file can be read whole (cat it to /dev/null), or roll back: a backup has its content',
        ),
    },
    {
      exitCode: 23,
      says: /"([^"\n]+)"[^\n]*: ([A-Z][^\n(]*?) \(\d+\)/,
      then: ([, path = '', reason = '']) => new Error(`part of ${source} could not be copied to ${target}: ${path}: ${reason} (rsync 23); the copy is not complete`),
    },
    { exitCode: 23, then: () => new Error(`part of ${source} could not be copied to ${target} (rsync 23); the copy is not complete`) },
    {
      exitCode: 24,
      then: () => new Error(`files vanished from ${source} while it was copied (rsync 24); it is not at rest: find out what writes there`),
    },
  ]);
}

/** A slash at the end makes rsync copy a directory's content rather than the directory. */
function asContent(directory: string): string {
  return directory.endsWith('/') ? directory : `${directory}/`;
}
