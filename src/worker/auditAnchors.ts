import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RaiseAlert } from '../activities/index.js';
import type { LoadedConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { toAlertWords } from '../contract/alerts.js';
import type { Anchor, AnchorPlace } from '../host/audit/anchor.js';
import { createAnchorPlaces, type AnchorChannel } from '../host/audit/anchorPlaces.js';
import { auditPositionPath, readAuditPosition } from '../host/audit/auditPosition.js';
import { ensureTextFile, readTextFile } from '../host/files/textFile.js';
import { createRun } from '../host/processes/runner.js';
import type { Logger } from './log.js';

/** What the anchors of a host are sent with. */
export interface AuditAnchorSettings {
  /** Reads lockstep.yaml anew for each round. */
  readonly loadConfig: () => Promise<Pick<LoadedConfig, 'config'>>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Ways to people that lockstep.yaml sets up, for the place `alerts`. Default: none. */
  readonly channelsOf?: (config: Config) => readonly AnchorChannel[];
  readonly now?: () => Date;
  /** Tells people where anchors do not get out for long: nobody reads the log of a worker for months. Default: nobody is told. */
  readonly alerting?: { readonly host: string; readonly raise: RaiseAlert };
  /** How long a place fails before people are told, in milliseconds. Default: six hours. */
  readonly patienceMilliseconds?: number;
  /** Before a place that failed is tried again, in milliseconds: doubled each time, up to `everyMinutes`. Default: a minute. */
  readonly firstRetryMilliseconds?: number;
  /** How long a round waits for its places, in milliseconds. Default: five minutes. */
  readonly roundMilliseconds?: number;
}

/** Sends the end of the audit log off the host, beside the worker. */
export interface AuditAnchors {
  /** Told of each audit event that was written; the end of a run is sent at once. */
  readonly noticed: (event: string) => void;
  /**
   * Sends at once, every `audit.anchors.everyMinutes`, and after each run, while the work lasts; whatever
   * fails is told in the log, tried again, and never in the work's way.
   */
  readonly during: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/** @returns What sends anchors; nothing is sent before {@link AuditAnchors.during}. */
export function createAuditAnchors(settings: AuditAnchorSettings): AuditAnchors {
  let wake: () => void = () => undefined;

  async function runRounds(signal: AbortSignal): Promise<void> {
    const sender = createSender(settings, signal);
    const { firstRetryMilliseconds = 60_000 } = settings;
    let retryMilliseconds = firstRetryMilliseconds;
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const { everyMilliseconds, isAllSent } = await sender.sendRound();
      const waitMilliseconds = isAllSent ? everyMilliseconds : Math.min(retryMilliseconds, everyMilliseconds);
      retryMilliseconds = isAllSent ? firstRetryMilliseconds : retryMilliseconds * 2;
      await Promise.race([woken, sleepUntil(waitMilliseconds, signal)]);
    }
    await sender.end();
  }

  return {
    noticed(event) {
      if (event === 'RUN_CLOSE') wake();
    },
    async during(work) {
      const ending = new AbortController();
      const rounds = runRounds(ending.signal);
      try {
        return await work();
      } finally {
        ending.abort();
        await rounds;
      }
    },
  };
}

/** Knows what each place has got, and which of them are being sent to or failed last. */
function createSender(settings: AuditAnchorSettings, signal: AbortSignal) {
  const { loadConfig, log, channelsOf = () => [], now = () => new Date(), alerting, patienceMilliseconds = 6 * 3_600_000, roundMilliseconds = 300_000 } = settings;
  const run = createRun({ signal });
  const inFlight = new Map<string, Promise<void>>();
  const failing = new Map<string, { readonly since: Date; readonly began: number; isAlerted: boolean }>();
  let keeping: Promise<void> = Promise.resolve();

  async function send(place: AnchorPlace, anchor: Anchor, sentPath: string): Promise<void> {
    try {
      await place.send(anchor);
      // Several places may have got it at the same moment.
      const kept = keeping.then(() => keepSent(sentPath, place.name, anchor));
      keeping = kept.catch(() => undefined);
      await kept;
      failing.delete(place.name);
      log.info({ place: place.name, sequence: anchor.sequence }, 'the audit log is anchored');
    } catch (error) {
      tellFailure(place.name, error);
    } finally {
      inFlight.delete(place.name);
    }
  }

  function tellFailure(place: string, error: unknown): void {
    if (signal.aborted) return;
    const failure = error instanceof Error ? error.message : String(error);
    const known = failing.get(place);
    if (known === undefined) {
      log.warn({ place, failure }, 'an anchor of the audit log does not get out; it is tried again');
      failing.set(place, { since: now(), began: performance.now(), isAlerted: false });
    } else if (!known.isAlerted && performance.now() - known.began > patienceMilliseconds) {
      known.isAlerted = true;
      void tellPeople(place, failure, known.since);
    }
  }

  /** Once for each time that it lasts so long. */
  async function tellPeople(place: string, failure: string, since: Date): Promise<void> {
    await alerting?.raise({
      id: `audit-anchor/${alerting.host}/${place}/${since.toISOString()}`,
      at: now().toISOString(),
      ...toAlertWords({
        severity: 'warning',
        subject: `the audit log of ${alerting.host} is not anchored`,
        text: `Since ${since.toISOString().slice(0, 16).replace('T', ' ')} UTC nothing gets to ${place}: ${failure}\nUntil it does, only this host's own word shows that the log is whole. It is tried again; "journalctl --unit lockstep-worker" says what is wrong, and audit.anchors in lockstep.yaml where it goes.`,
      }),
      host: alerting.host,
    });
  }

  async function readDue(): Promise<{ readonly everyMilliseconds: number; readonly due: readonly { place: AnchorPlace; anchor: Anchor; sentPath: string }[] }> {
    const { config } = await loadConfig();
    const { everyMinutes, to } = config.audit.anchors;
    const directory = join(config.stateDirectory, 'audit');
    const sentPath = join(directory, 'anchors.json');
    const position = await readAuditPosition(auditPositionPath(config));
    const sent = await readSent(sentPath);
    const places = position === undefined ? [] : createAnchorPlaces({ to, run, directory, channels: channelsOf(config) });
    const anchor = position && { at: now().toISOString().replace(/\.\d+Z$/, 'Z'), host: config.host, sequence: position.sequence, chain: position.chain };
    return {
      everyMilliseconds: everyMinutes * 60_000,
      due: anchor === undefined ? [] : places.filter(({ name }) => sent[name] !== keyOf(anchor)).map((place) => ({ place, anchor, sentPath })),
    };
  }

  return {
    /** What has just arrived is still noted as sent; what hangs is left. */
    end: () => settle([...inFlight.values()], endMilliseconds),

    async sendRound(): Promise<{ readonly everyMilliseconds: number; readonly isAllSent: boolean }> {
      try {
        const { everyMilliseconds, due } = await readDue();
        failing.delete(itself);
        // A mount that hangs keeps a thread of the pool: it is not to get a second one.
        const sending = due.filter(({ place }) => !inFlight.has(place.name)).map(({ place, anchor, sentPath }) => [place.name, send(place, anchor, sentPath)] as const);
        for (const [name, sent] of sending) inFlight.set(name, sent);
        await settle(sending.map(([, sent]) => sent), roundMilliseconds, signal);
        for (const name of inFlight.keys()) tellFailure(name, 'it has not answered yet');
        return { everyMilliseconds, isAllSent: due.every(({ place }) => !failing.has(place.name)) };
      } catch (error) {
        tellFailure(itself, error);
        return { everyMilliseconds: 3_600_000, isAllSent: false };
      }
    },
  };
}

const itself = 'lockstep';
const endMilliseconds = 2_000;

async function readSent(path: string): Promise<Readonly<Record<string, string>>> {
  return JSON.parse((await readTextFile(path)) ?? '{}') as Record<string, string>;
}

async function keepSent(path: string, place: string, anchor: Anchor): Promise<void> {
  await ensureTextFile({ path, content: `${JSON.stringify({ ...(await readSent(path)), [place]: keyOf(anchor) }, null, 2)}\n`, mode: 0o600 });
}

function keyOf({ sequence, chain }: Anchor): string {
  return `${sequence} ${chain}`;
}

/** Waits for what is being sent, so long and no longer. */
async function settle(sending: readonly Promise<void>[], milliseconds: number, until?: AbortSignal): Promise<void> {
  const ended = new AbortController();
  await Promise.race([Promise.all(sending), sleepUntil(milliseconds, until === undefined ? ended.signal : AbortSignal.any([until, ended.signal]))]);
  ended.abort();
}

async function sleepUntil(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
