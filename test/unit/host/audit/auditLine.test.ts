import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginning, chainOf, parseAuditLine, renderAuditLine, toAuditId, type AuditEvent } from '../../../../src/host/audit/auditLine.js';

const at = new Date('2024-01-15T10:23:45.678Z');
const render = (event: Partial<AuditEvent>) =>
  renderAuditLine({ id: 'run/open-volume/do/1', event: 'VOLUME_UNLOCK', by: 'admin', ...event }, at, beginning).toString('utf8');
const withoutChain = (line: string) => line.replace(/ chain=[0-9a-f]{32}\n$/, '');

describe('a line of the audit log', () => {
  it("has the plan's form, then details, id, number and chain", () => {
    const line = render({ from: '192.168.1.50', details: { node: 'open-volume', attempt: 2, reason: 'annual rotation' } });
    expect(withoutChain(line)).toBe(
      '[2024-01-15T10:23:45Z] VOLUME_UNLOCK by admin from 192.168.1.50 node=open-volume attempt=2 reason="annual rotation" id=run/open-volume/do/1 seq=1',
    );
    expect(line).toMatch(/ chain=[0-9a-f]{32}\n$/);
  });

  it('lets no value pass for another field', () => {
    const line = render({ by: 'admin from 10.0.0.1', from: '10.0.0.2 id=x chain=0123456789abcdef', details: { reason: '" id=y' } });
    expect(withoutChain(line)).toBe(
      String.raw`[2024-01-15T10:23:45Z] VOLUME_UNLOCK by "admin from 10.0.0.1" from "10.0.0.2 id=x chain=0123456789abcdef" reason="\u{22} id=y" id=run/open-volume/do/1 seq=1`,
    );
  });

  it('escapes what ends a line, moves the cursor, or turns the direction of text', () => {
    expect(render({ by: 'a\nb\r\u001b[2K\u0085\u2028\u202e\\' })).toContain(
      String.raw`by "a\u{a}b\u{d}\u{1b}[2K\u{85}\u{2028}\u{202e}\u{5c}" id=`,
    );
  });

  it('leaves names readable', () => {
    expect(render({ by: 'Zoë' })).toContain(' by Zoë id=');
    expect(render({ by: 'Zoë Ångström' })).toContain(' by "Zoë Ångström" id=');
    expect(render({ by: '' })).toContain(' by "" id=');
  });

  it('refuses names that are no plain words', () => {
    expect(() => render({ event: 'volume unlock' })).toThrow('"volume unlock" is no name of an audit event');
    expect(() => render({ details: { id: 'x' } })).toThrow('cannot have a detail named "id"');
    expect(() => render({ details: { seq: 1 } })).toThrow('cannot have a detail named "seq"');
    expect(() => render({ details: { 'a b': 'x' } })).toThrow('cannot have a detail named "a b"');
    expect(() => render({ id: '' })).toThrow('needs an id');
  });

  it('is one line that reads back, whatever the fields are', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text.filter((id) => id !== ''), text, text, text, fc.nat(), fc.stringMatching(/^[0-9a-f]{32}$/), (id, by, from, reason, sequence, previous) => {
        const line = renderAuditLine({ id, event: 'KEY_ROTATION', by, from, details: { reason } }, at, { sequence, chain: previous }).toString('latin1');
        expect(line.indexOf('\n')).toBe(line.length - 1);
        const parsed = parseAuditLine(line.slice(0, -1));
        expect(parsed?.id).toBe(toAuditId(id));
        expect(parsed?.sequence).toBe(sequence + 1);
        expect(parsed?.at).toBe('2024-01-15T10:23:45Z');
        expect(parsed?.follows).toBeUndefined();
        expect(parsed?.chain).toBe(chainOf(previous, parsed?.text ?? ''));
      }),
    );
  });

  it('takes no value for the end that a line names before it', () => {
    const named = 'previousSequence=7 previousChain=0123456789abcdef0123456789abcdef';
    const follows = (event: Partial<AuditEvent>) => parseAuditLine(render(event).trimEnd())?.follows;
    const details = { previousSequence: 7, previousChain: '0123456789abcdef0123456789abcdef' };
    const position = { sequence: 7, chain: '0123456789abcdef0123456789abcdef' };
    expect(follows({ event: 'AUDIT_LOG_CONTINUED', by: 'lockstep', details })).toEqual({ event: 'AUDIT_LOG_CONTINUED', position });
    expect(follows({ event: 'AUDIT_LOG_TRUNCATED', by: 'lockstep', details })).toEqual({ event: 'AUDIT_LOG_TRUNCATED', position });
    expect(follows({ event: 'VOLUME_UNLOCK', by: 'lockstep', details })).toBeUndefined();
    expect(follows({ event: 'AUDIT_LOG_CONTINUED', by: `lockstep ${named}` })).toBeUndefined();
    expect(follows({ event: 'AUDIT_LOG_CONTINUED', by: 'lockstep', details: { reason: named } })).toBeUndefined();
  });

  it('tells different ids apart', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 });
    fc.assert(fc.property(text, text, (one, other) => (toAuditId(one) === toAuditId(other)) === (one === other)));
    expect(toAuditId('a b')).not.toBe(toAuditId(String.raw`a\u{20}b`));
  });
});
