import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { DrivenRun } from '../engine/driver.js';

/** Histories of runs, one event a line, so that a change of one shows as a change of lines. */
const folder = new URL('../histories/', import.meta.url);

/** A history as it is replayed. */
export interface SavedHistory {
  readonly name: string;
  readonly history: HistoryJson;
}

/** What a test may change before it replays. */
export interface HistoryJson {
  readonly events: readonly { readonly eventType: string; readonly workflowExecutionStartedEventAttributes?: { workflowType: { name: string } } }[];
}

/** Every saved history. */
export async function readHistories(): Promise<readonly SavedHistory[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  return Promise.all(
    names.sort().map(async (name) => ({
      name,
      history: JSON.parse(await readFile(new URL(`${name}.json`, folder), 'utf8')) as HistoryJson,
    })),
  );
}

/** Saves the history of a run under a name. */
export async function saveHistory(name: string, run: DrivenRun): Promise<void> {
  const { events } = withoutOrigin(JSON.parse(historyToJSON(await run.handle.fetchHistory()))) as { events: readonly unknown[] };
  const lines = events.map((event) => `    ${JSON.stringify(event)}`).join(',\n');
  await writeFile(fileURLToPath(new URL(`${name}.json`, folder)), `{\n  "events": [\n${lines}\n  ]\n}\n`);
}

/** Which machine made it is nobody's business, and differs each time. */
function withoutOrigin(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOrigin);
  // Identities, and the queues that are named after them: a process id, an @ and a machine.
  if (typeof value === 'string') return /^\d+@/.test(value) ? 'worker' : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'stackTrace')
      .map(([key, inner]) => [key, withoutOrigin(inner)]),
  );
}
