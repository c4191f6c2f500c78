import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../src/activities/index.js';
import { hostTaskQueue } from '../../src/contract/names.js';
import { wordsFor, type Runbook } from '../../src/workflows/engine/nodes.js';
import { workflowOf } from '../../src/workflows/engine/walk.js';

const steps = 40;
const { section, step } = wordsFor<Activities>();

const runbook: Runbook<Activities> = {
  name: 'bench',
  title: 'Forty steps that do next to nothing',
  sections: [
    section('Steps', '', Array.from({ length: steps }, (_, index) => step({ id: `step-${index}`, title: `Step ${index}`, plan: '1', do: (act) => act.readLastBackup() }))),
  ],
  afterRollback: [],
  summary: () => [],
};

/** The engine, with everything that it does around a step. */
export const bench = workflowOf(runbook);

/** As many activities in a row, without an engine: what the server and the SDK take by themselves. */
export async function bare({ host }: { readonly host: string }): Promise<void> {
  const { nothing } = proxyActivities<{ nothing: () => Promise<void> }>({ taskQueue: hostTaskQueue(host), startToCloseTimeout: '1 minute' });
  for (let index = 0; index < steps; index += 1) await nothing();
}
