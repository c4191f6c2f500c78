import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { z } from 'zod';
import type { Activity, Attempt } from '../../../../src/activities/activity.js';
import { createClaimFile } from '../../../../src/activities/wrapper/claim.js';
import { openJournal, type JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { createSecretVault, type SecretVault } from '../../../../src/activities/wrapper/secretVault.js';
import { createSingleFlight } from '../../../../src/activities/wrapper/singleFlight.js';
import { createTurns } from '../../../../src/activities/wrapper/turns.js';
import { runDirectory, wrap, type WrapperDependencies } from '../../../../src/activities/wrapper/wrap.js';
import { configSchema, type Config } from '../../../../src/config/schema.js';
import type { Alert } from '../../../../src/contract/alerts.js';
import type { Call, Condition } from '../../../../src/contract/calls.js';
import { createAuditLog } from '../../../../src/host/audit/auditLog.js';
import { auditPositionPath } from '../../../../src/host/audit/auditPosition.js';

/** A call as the engine makes it, with the given terms. */
export function callWith(terms: Partial<Call> = {}): Call {
  return {
    workflowId: 'h1/migrate',
    runId: 'run-1',
    runbook: 'migrate',
    node: 'copy-data',
    title: 'Copy data',
    plan: '4, step 5',
    opening: 1,
    phase: 'do',
    undoable: true,
    requires: [],
    startedBy: 'ann',
    news: { decisions: [], nodes: [] },
    ...terms,
  };
}

/** The wrapper over real files in a directory of the test's own. */
export interface WrapperHarness {
  readonly config: Config;
  readonly vault: SecretVault;
  /** What was ensured, in order. */
  readonly ensured: readonly string[];
  /** The alerts that people would be told of. */
  readonly raised: readonly Alert[];
  readonly claim: (runId?: string) => Promise<void>;
  /** Runs an activity in the wrapper, as one attempt. */
  readonly run: (activity: Activity<never, unknown>, options?: AttemptOptions) => Promise<unknown>;
  readonly journal: (call?: Call) => Promise<readonly JournalEntry[]>;
  readonly auditLog: () => Promise<readonly string[]>;
  readonly directory: string;
}

/** One attempt. */
export interface AttemptOptions {
  readonly call?: Call;
  readonly args?: unknown;
  readonly attempt?: number;
  readonly environment?: MockActivityEnvironment;
  readonly needsClaim?: boolean;
}

/** @param different - Dependencies, and sections of lockstep.yaml, that a test replaces. */
export function createWrapperHarness(
  directory: string,
  different: Partial<WrapperDependencies> & Pick<z.input<typeof configSchema>, 'secrets' | 'volume'> = {},
): WrapperHarness {
  const { secrets, volume, ...others } = different;
  const config = configSchema.parse({
    host: 'h1',
    stateDirectory: join(directory, 'state'),
    auditLog: join(directory, 'audit.log'),
    secrets,
    volume,
  });
  const now = () => new Date();
  const vault = createSecretVault(60_000);
  const ensured: Condition[] = [];
  const raised: Alert[] = [];
  const log = createAuditLog({ path: config.auditLog, positionPath: auditPositionPath(config), clock: now });
  const dependencies: WrapperDependencies = {
    loadConfig: () => Promise.resolve({ config, digest: 'digest' }),
    vault,
    credentialsDirectory: undefined,
    singleFlight: createSingleFlight(),
    turns: createTurns(),
    isRunning: () => Promise.resolve(true),
    ensure: (condition) => {
      ensured.push(condition);
      return Promise.resolve();
    },
    controlGroups: { takeOver: () => Promise.resolve(undefined), end: () => Promise.resolve() },
    audit: async (_, id, event, call, details, who) => {
      await log.append({ id, event, ...(who ?? { by: call.startedBy }), details: { run: call.workflowId, node: call.node, ...details } });
    },
    raiseAlert: (alert) => {
      raised.push(alert);
      return Promise.resolve();
    },
    bootId: () => Promise.resolve('boot-1'),
    now,
    ...others,
  };
  const runDirectoryOf = (call: Call) => runDirectory(config, call);
  return {
    config,
    vault,
    ensured,
    raised,
    directory: runDirectoryOf(callWith()),
    async claim(runId = 'run-1') {
      await createClaimFile(config.stateDirectory).take({ workflowId: 'h1/migrate', runId, runbook: 'migrate', startedBy: 'ann', takenAt: now().toISOString() });
    },
    run(activity, { call = callWith(), args, attempt = 1, environment = createEnvironment(attempt), needsClaim = true } = {}) {
      const wrapped = wrap(activity, needsClaim, dependencies);
      return environment.run<[Call, unknown], unknown, typeof wrapped>(wrapped, call, args);
    },
    journal: async (call = callWith()) => (await openJournal(join(runDirectoryOf(call), 'journal.jsonl'))).read(),
    auditLog: async () => (await readFile(config.auditLog, 'utf8')).split('\n').slice(0, -1),
  };
}

/** The server's side of one attempt, which says nothing of failures that a test means. */
export function createEnvironment(attempt = 1): MockActivityEnvironment {
  return new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') });
}

/** Names of events, in the order of the audit log's lines. */
export function eventsOf(lines: readonly string[]): readonly string[] {
  return lines.map((line) => / ([A-Z_]+) by /.exec(line)?.[1] ?? line);
}

/** An activity that runs a function and changes the host. */
export function changing(perform: (attempt: Attempt) => Promise<unknown>): Activity<never, unknown> {
  return { event: 'DATA_COPY', perform };
}
