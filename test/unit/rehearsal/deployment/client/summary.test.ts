import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../../../src/rehearsal/deployment/client/journal.js';
import { summarise } from '../../../../../src/rehearsal/deployment/client/summary.js';

describe('summarise', () => {
  const acknowledged = (at: number): Entry => ({ kind: 'acknowledged', at, ids: [`client-x-${at}`] });

  it('finds the longest time without an acknowledged write', () => {
    const summary = summarise([{ kind: 'began', at: 0, clientId: 'client-x' }, acknowledged(1_000), acknowledged(2_000), { kind: 'unanswered', at: 3_000, reason: '' }, acknowledged(9_500), acknowledged(10_000)]);
    expect(summary).toMatchObject({ longestGapSeconds: 7.5, longestGapFrom: '1970-01-01T00:00:02.000Z', lastAt: '1970-01-01T00:00:10.000Z' });
  });

  it('counts the time after the last one too, when the service never came back', () => {
    expect(summarise([{ kind: 'began', at: 0, clientId: 'client-x' }, acknowledged(1_000), { kind: 'unanswered', at: 61_000, reason: '' }]).longestGapSeconds).toBe(60);
  });
});
