import { WorkflowNotFoundError } from '@temporalio/common';
import { expect, test } from 'vitest';
import { beginRehearsed, followRehearsed, tellPassphrases } from '../../../src/cli/rehearsalCourse.js';
import { runbookNamed } from '../../../src/cli/runbooks.js';
import { rehearsalSecrets } from '../../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../../src/rehearsal/rehearsal.js';

/** A rehearsal in which every run succeeds at once, and whose host begins a run itself a while after a power cut. */
function rehearse() {
  const did: string[] = [];
  let looks = 0;
  const handle = (id: string) => ({ workflowId: id, result: () => Promise.resolve({ state: 'succeeded' }), describe: () => Promise.resolve({ historyLength: 1, memo: {} }), query: () => Promise.resolve({ questions: [] }) });
  const rehearsal = {
    client: {
      workflow: {
        start: (name: string, { workflowId }: { workflowId: string }) => {
          did.push(`start ${name}`);
          return Promise.resolve(handle(workflowId));
        },
        getHandle: (id: string) => ({
          ...handle(id),
          describe: () => {
            looks += 1;
            if (looks > 1) return Promise.resolve({});
            return Promise.reject(new WorkflowNotFoundError('not yet', id, undefined));
          },
        }),
      },
    },
    powerCut: () => Promise.resolve(void did.push('power cut')),
  } as unknown as Rehearsal;
  return { did, rehearsing: { rehearsal, person: 'ann', onProgress: () => undefined } };
}

test.each([
  ['migrate', ['start migrate']],
  ['rollback', ['start migrate', 'start rollback']],
  ['decommissionPlaintext', ['start migrate', 'start decommissionPlaintext']],
  ['startup', ['start migrate', 'power cut']],
  ['shutdown', ['start migrate', 'start shutdown', 'start startup']],
])('%s is rehearsed on the host that it finds in production, and the service runs when users are asked', async (name, expected) => {
  const { did, rehearsing } = rehearse();
  expect((await beginRehearsed(rehearsing, runbookNamed(name))).workflowId).toBe(`rehearsal/${name}`);
  await followRehearsed(rehearsing, runbookNamed(name));
  expect(did).toEqual(expected);
});

test.each(['migrate', 'setupVolume'])('%s by hand: every passphrase is the person\'s own', (name) => {
  expect(tellPassphrases(runbookNamed(name))).toEqual([]);
});

test.each(['startup', 'rotateKey', 'growVolume', 'emergencyAccess'])('%s by hand: the passphrases that the migration before it set are told', (name) => {
  const told = tellPassphrases(runbookNamed(name)).join('\n');
  for (const secret of ['operationalPassphrase', 'recoveryPassphrase', 'backupPassphrase']) expect(told).toContain(rehearsalSecrets[secret]);
});
