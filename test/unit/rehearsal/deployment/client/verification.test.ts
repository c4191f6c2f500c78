import { describe, expect, it } from 'vitest';
import { operationOf } from '../../../../../src/rehearsal/deployment/client/content.js';
import type { Entry } from '../../../../../src/rehearsal/deployment/client/journal.js';
import type { ReceivedOperation } from '../../../../../src/rehearsal/deployment/client/service.js';
import { compare } from '../../../../../src/rehearsal/deployment/client/verification.js';

describe('compare', () => {
  const ids = ['client-x-0', 'client-x-1'];
  const entries: Entry[] = [{ kind: 'began', at: 0, clientId: 'client-x' }, { kind: 'sent', at: 1, ids: [...ids, 'client-x-2'] }, { kind: 'acknowledged', at: 2, ids }];
  const received = (id: string, serverSeq: number, changes: Partial<ReceivedOperation> = {}): ReceivedOperation =>
    ({ ...operationOf(id), entityIds: [...operationOf(id).entityIds], serverSeq, clientId: 'client-x', ...changes });
  const all = [received('client-x-0', 1), received('client-x-1', 2)];

  it('finds everything in order', () =>
    expect(compare(entries, all)).toMatchObject({ present: 2, missing: 0, duplicated: 0, altered: 0, unacknowledgedPresent: 0, unknown: 0 }));
  it('finds a lost one', () => expect(compare(entries, all.slice(1))).toMatchObject({ missing: 1, examples: ['client-x-0'] }));
  it('finds one that is there twice', () => expect(compare(entries, [...all, received('client-x-1', 3)])).toMatchObject({ duplicated: 1 }));
  it('finds a copy under another id', () =>
    expect(compare(entries, [...all, received('client-x-1', 3, { id: 'copy' })])).toMatchObject({ duplicated: 1, altered: 1 }));
  it('finds changed content', () =>
    expect(compare(entries, [received('client-x-0', 1, { payload: { operation: 'client-x-0', text: 'other' } }), received('client-x-1', 2)])).toMatchObject({ altered: 1 }));
  it('reports one whose answer was lost, which is no fault', () =>
    expect(compare(entries, [...all, received('client-x-2', 3)])).toMatchObject({ unacknowledgedPresent: 1, missing: 0, unknown: 0 }));
  it('finds one that was never sent', () => expect(compare(entries, [...all, received('client-x-9', 3)])).toMatchObject({ unknown: 1 }));
});
