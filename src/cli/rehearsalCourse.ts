import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../activities/index.js';
import { workflowIdOf, workflowTaskQueue } from '../contract/names.js';
import { answerUntilEnd } from '../rehearsal/answers.js';
import { rehearsalHost, rehearsalSecrets } from '../rehearsal/hostConfig.js';
import type { Rehearsal } from '../rehearsal/rehearsal.js';
import { isNotFound } from '../worker/serverErrors.js';
import type { Runbook } from '../workflows/engine/nodes.js';
import { migrate } from '../workflows/migrate.js';
import { setupVolume } from '../workflows/setupVolume.js';
import { shutdown } from '../workflows/shutdown.js';
import { startup } from '../workflows/startup.js';

/** What surrounds a runbook in its rehearsal. */
interface Course {
  /** What makes the host as the runbook finds it in production; default a migration. */
  readonly before?: 'nothing' | 'migration and power cut';
  /** What brings the service back, so that the users can be asked what became of their writes. */
  readonly after?: Runbook<Activities>;
}

const courses: Readonly<Record<string, Course>> = {
  [migrate.name]: { before: 'nothing' },
  [setupVolume.name]: { before: 'nothing' },
  [startup.name]: { before: 'migration and power cut' },
  [shutdown.name]: { after: startup },
};

/** Who rehearses, and what is told meanwhile. */
export interface Rehearsing {
  readonly rehearsal: Rehearsal;
  readonly person: string;
  readonly onProgress: (stage: string) => void;
}

/** Makes the host as the runbook finds it, with go at every gate, and begins the run; after a power cut the host does that itself. */
export async function beginRehearsed(rehearsing: Rehearsing, { name }: Runbook<Activities>): Promise<WorkflowHandle> {
  const { rehearsal, onProgress } = rehearsing;
  const { before } = courses[name] ?? {};
  if (before === 'nothing') return start(rehearsing, name);
  onProgress(`migrating first, with go at every gate, some minutes: ${name} begins where a migration has ended`);
  await answerUntilEnd({ rehearsal, handle: await start(rehearsing, migrate.name) });
  if (before === undefined) return start(rehearsing, name);
  onProgress('cutting the power of the host: its worker begins the run by itself when it has booted');
  await rehearsal.powerCut();
  return waitForRun(rehearsal, name);
}

/**
 * What a person has to type who answers by hand: the passphrases that the migration before the runbook set, which nobody saw.
 *
 * @returns Lines; none where the runbook begins on a bare host, and every passphrase is the person's own.
 */
export function tellPassphrases({ name }: Runbook<Activities>): readonly string[] {
  if (courses[name]?.before === 'nothing') return [];
  return [
    'Passphrases of this disposable host, no secrets:',
    ...[['operational', 'operationalPassphrase'] as const, ['recovery', 'recoveryPassphrase'] as const, ['backups', 'backupPassphrase'] as const].map(
      ([title, secret]) => `  ${title.padEnd(12)} ${rehearsalSecrets[secret] ?? ''}`,
    ),
  ];
}

/** Brings the service back where the runbook has ended it. */
export async function followRehearsed(rehearsing: Rehearsing, { name }: Runbook<Activities>): Promise<void> {
  const { after } = courses[name] ?? {};
  if (after === undefined) return;
  rehearsing.onProgress(`starting the service again with ${after.name}: the users are to say what became of their writes`);
  await answerUntilEnd({ rehearsal: rehearsing.rehearsal, handle: await start(rehearsing, after.name) });
}

function start({ rehearsal, person }: Rehearsing, runbook: string): Promise<WorkflowHandle> {
  return rehearsal.client.workflow.start(runbook, {
    taskQueue: workflowTaskQueue,
    workflowId: workflowIdOf(rehearsalHost, runbook),
    args: [{ host: rehearsalHost, startedBy: person }],
  });
}

async function waitForRun({ client }: Rehearsal, runbook: string): Promise<WorkflowHandle> {
  const handle = client.workflow.getHandle(workflowIdOf(rehearsalHost, runbook));
  for (;;) {
    try {
      await handle.describe();
      return handle;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await sleep(500);
    }
  }
}
