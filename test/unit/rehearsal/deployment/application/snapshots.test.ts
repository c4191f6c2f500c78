import { describe, expect, it } from 'vitest';
import { applyChange, toState, type Change, type Entities } from '../../../../../src/rehearsal/deployment/application/snapshots.js';

describe('applyChange', () => {
  const change = (op_type: string, entity_id: string, payload: unknown): Change => ({ server_seq: 1, op_type, entity_type: 'TASK', entity_id, payload });

  it('sets, merges and removes', () => {
    const entities: Entities = new Map();
    applyChange(entities, change('CRT', 'a', { title: 'one', done: false }));
    applyChange(entities, change('UPD', 'a', { done: true }));
    applyChange(entities, change('CRT', 'b', {}));
    applyChange(entities, change('DEL', 'b', {}));
    applyChange(entities, change('UPD', 'c', 'encrypted'));
    expect(toState(entities)).toEqual({ TASK: { a: { title: 'one', done: true }, c: 'encrypted' } });
  });
});
