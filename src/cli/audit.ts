import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ConfigNotAtHand } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { PermanentFailure } from '../contract/errors.js';
import { readAnchors, type Anchor } from '../host/audit/anchor.js';
import { readAuditFile, readRotatedPaths } from '../host/audit/auditFiles.js';
import type { AuditVerdict } from '../host/audit/auditFinding.js';
import type { AuditPosition } from '../host/audit/auditLine.js';
import { auditPositionPath, readAuditPosition } from '../host/audit/auditPosition.js';
import { verifyAuditLog } from '../host/audit/auditVerification.js';
import { errorCode, ifPresent } from '../host/failure.js';
import { CommandEnded, wrongUsage } from './exit.js';
import { renderAuditReport } from './present/auditLines.js';
import { loadSessionConfig, type HostOptions, type Session } from './session.js';

/** What `audit verify` says to a script, besides the project's own 0, 1 and 2. */
export const auditExitCodes: Readonly<Record<AuditVerdict, number>> = {
  intact: 0,
  altered: 10,
  truncated: 11,
  'anchor mismatch': 12,
  'not an audit log': 13,
};

/** Adds `audit verify`: reads the log of who changed what, without a server and without touching anything. */
export function addAuditCommand(program: Command, session: Session): void {
  program
    .command('audit')
    .description('look at the log of who changed what on a host')
    .command('verify')
    .argument('[file...]', 'files of one log, in any order, packed with gzip or not (default: the configured log and its rotated files)')
    .description('verify that nothing in an audit log was altered or cut off; needs no server')
    .option('--anchors <file>', 'compare with anchors that were sent off the host, one a line: time, host, sequence, chain', collect)
    .option('--record <file>', "compare with a run's record.json, which has an anchor of its end", collect)
    .option('--host <name>', 'whose anchors count, where a file has those of several hosts')
    .option('--config <file>', 'lockstep.yaml (default: LOCKSTEP_CONFIG, or /etc/lockstep/lockstep.yaml)')
    .option('--json', 'as JSON, for programs')
    .addHelpText('after', help)
    .action((files: readonly string[], options: VerifyOptions) => verify(session, files, options));
}

const help = `
Verdicts, and exit status:
   0  intact            each line follows from the one before, each anchor agrees
  10  altered           a line was changed, moved, or put in
  11  truncated         lines are missing: between two, at the end, or, with no
                        file named, before the first though an anchor of the
                        last twelve months knows them
  12  anchor mismatch   the past was written anew, with chains that fit
  13  not an audit log  a file holds no line of one
   1  nothing could be verified; 2 wrong usage

Of several findings the gravest is the verdict: 13, 10, 12, 11.
Without anchors nothing shows a log whose chains were computed anew. With no
file named, and as root, the worker's own note of the last line counts as an
anchor; it is no safer than the log.`;

interface VerifyOptions extends HostOptions {
  readonly anchors?: readonly string[];
  readonly record?: readonly string[];
  readonly json?: boolean;
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function verify(session: Session, files: readonly string[], options: VerifyOptions): Promise<void> {
  const { terminal } = session;
  const config = await readConfig(session, options, files.length === 0);
  const paths = files.length > 0 ? files.map((file) => resolve(file)) : await readConfiguredPaths(config);
  const anchors = await readGivenAnchors(session, [...(options.anchors ?? []), ...(options.record ?? [])], options.host ?? config?.host);
  const noted = files.length > 0 || config === undefined ? undefined : await readOwnNote(config);
  const report = verifyAuditLog(await Promise.all(paths.map((path) => reading(path, readAuditFile))), { anchors, noted, isWhole: files.length === 0, now: new Date() });
  terminal.print(
    ...(options.json === true
      ? [JSON.stringify(report, null, 2)]
      : renderAuditReport(report, { width: Math.min(100, terminal.width()), theme: terminal.theme, isAnchored: anchors.length > 0, isNoted: noted !== undefined })),
  );
  if (report.verdict !== 'intact') throw new CommandEnded(auditExitCodes[report.verdict], nextMoves[report.verdict]);
}

const nextMoves: Readonly<Record<Exclude<AuditVerdict, 'intact'>, string>> = {
  altered: 'the audit log was altered; keep its files as they are, and ask who could write them as root',
  truncated: 'lines of the audit log are missing; look for files that were moved away, and name them too',
  'anchor mismatch': 'the audit log is not the one that was anchored; keep its files as they are, and ask who could write them as root',
  'not an audit log': 'this is not an audit log of Lockstep; see "lockstep audit verify --help"',
};

/** Files can be verified elsewhere, where no lockstep.yaml is. */
async function readConfig(session: Session, options: VerifyOptions, isNeeded: boolean): Promise<Config | undefined> {
  try {
    return (await loadSessionConfig(session, options)).config;
  } catch (error) {
    if (!(error instanceof ConfigNotAtHand)) throw error;
    if (isNeeded) throw new ConfigNotAtHand(error.fact, `${error.nextMove}, or name the files of the log`);
    return undefined;
  }
}

async function readConfiguredPaths(config: Config | undefined): Promise<readonly string[]> {
  if (config === undefined) return [];
  const { auditLog } = config;
  const rotated = await readRotatedPaths(auditLog);
  const current = await ifPresent(stat(auditLog));
  if (current === undefined && rotated.length === 0) {
    throw new PermanentFailure(`there is no audit log ${auditLog}`, 'it is begun by the first run on this host; or name the files of a log');
  }
  return current === undefined ? rotated : [...rotated, auditLog];
}

/** In words for whoever named the file. */
async function reading<Content>(path: string, read: (path: string) => Promise<Content>): Promise<Content> {
  try {
    return await read(path);
  } catch (error) {
    throw explain(path, error);
  }
}

function explain(path: string, error: unknown): unknown {
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return new PermanentFailure(`${path} does not exist`, 'name a file that does');
  if (code === 'EISDIR') return new PermanentFailure(`${path} is a directory`, 'name the files in it');
  if (code === 'EACCES') return new PermanentFailure(`${path} may not be read`, 'use sudo, or join the group adm');
  if (code?.startsWith('Z_') === true || code === 'ERR_BUFFER_TOO_LARGE') return new PermanentFailure(`${path} can not be unpacked (${code})`, 'look whether gzip --test takes it; verify the others by naming them');
  return error;
}

async function readGivenAnchors({ terminal }: Session, paths: readonly string[], host: string | undefined): Promise<readonly Anchor[]> {
  const anchors: Anchor[] = [];
  for (const path of paths) {
    const found = await reading(path, readAnchors);
    for (const line of found.unreadable) terminal.warn(`${path}: line ${line} is no anchor and does not count`);
    anchors.push(...found.anchors);
  }
  return ofOneHost(anchors, host);
}

function ofOneHost(anchors: readonly Anchor[], host: string | undefined): readonly Anchor[] {
  const hosts = [...new Set(anchors.map((anchor) => anchor.host))];
  if (hosts.length === 0) return [];
  if (host === undefined && hosts.length > 1) throw wrongUsage(`the anchors are of several hosts (${hosts.join(', ')}); say with --host whose log this is`);
  const wanted = host ?? hosts[0];
  const own = anchors.filter((anchor) => anchor.host === wanted);
  if (own.length === 0) throw wrongUsage(`no anchor is of ${wanted ?? ''}, but of ${hosts.join(', ')}; say with --host whose log this is`);
  return own;
}

/** Only root may look there. */
function readOwnNote(config: Config): Promise<AuditPosition | undefined> {
  return ifPresent(readAuditPosition(auditPositionPath(config)), ['EACCES']);
}
