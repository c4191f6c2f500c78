import type { AlertWords } from '../../../src/contract/alerts.js';
import { configSchema, type Config } from '../../../src/config/schema.js';
import type { Attempt } from '../../../src/activities/activity.js';
import type { JournalEntry } from '../../../src/activities/wrapper/journal.js';
import type { HostTools } from '../../../src/host/tools.js';
import { callWith } from './wrapper/harness.js';

/** What a test gives an activity; every tool that it does not name throws when it is used. */
export interface FakeAttempt {
  readonly directory: string;
  readonly config?: Record<string, unknown>;
  readonly tools?: { readonly [Name in keyof HostTools]?: unknown };
  readonly hasPredecessor?: boolean;
  readonly phase?: 'do' | 'undo';
}

/** One attempt of an activity on a host that only has the given tools. */
export function createAttempt({ directory, config = {}, tools = {}, hasPredecessor = false, phase = 'do' }: FakeAttempt): Attempt & { readonly entries: readonly JournalEntry[]; readonly alerts: readonly AlertWords[] } {
  const entries: JournalEntry[] = [];
  const alerts: AlertWords[] = [];
  const refuse = (what: string) => () => Promise.reject(new Error(`the test gave no ${what}`));
  return {
    entries,
    call: callWith({ phase }),
    config: configSchema.parse({ host: 'h1', ...config }) satisfies Config,
    run: refuse('runner'),
    tools: new Proxy(tools, {
      get: (given, name) => {
        const tool = (given as Record<string | symbol, unknown>)[name];
        if (tool === undefined) throw new Error(`the test gave no tool ${String(name)}`);
        return tool;
      },
    }) as HostTools,
    signal: new AbortController().signal,
    controlGroup: undefined,
    hasPredecessor,
    directory,
    report: () => undefined,
    secret: refuse('secret'),
    refuseSecret: (name, reason) => {
      throw new Error(`${name} was refused: ${reason}`);
    },
    giverOf: () => undefined,
    journal: (...added) => {
      entries.push(...added);
      return Promise.resolve();
    },
    readJournal: () => Promise.resolve(entries),
    occurrence: '1.1',
    audit: () => Promise.resolve(),
    alerts,
    alert: (words) => {
      alerts.push(words);
      return Promise.resolve();
    },
    now: () => new Date('2026-11-01T20:00:00Z'),
  };
}
