import { describe, expect, it } from 'vitest';
import { createLog } from '../../../../../src/rehearsal/deployment/application/log.js';

describe('createLog', () => {
  it('writes one line per event, whatever the message holds', () => {
    const lines: string[] = [];
    createLog((line) => lines.push(line))('ERROR', 'first\n  second');
    expect(lines).toEqual([expect.stringMatching(/^\S+Z ERROR first second\n$/)]);
  });
});
