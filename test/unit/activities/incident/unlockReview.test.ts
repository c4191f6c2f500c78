import { expect, test } from 'vitest';
import { describeEvent, reviewUnlockEvents } from '../../../../src/activities/incident/unlockReview.js';
import type { AuditEntry } from '../../../../src/host/audit/auditEntries.js';

const since = new Date('2026-08-01T00:00:00Z');
const terms = { since, runIds: ['run-1'], localHour: (at: Date) => at.getUTCHours() };
const entry = (time: string, event: string, more: Partial<AuditEntry> = {}): AuditEntry => ({ at: new Date(`2026-${time}:00Z`), event, by: 'ann', details: { id: 'run-1/open/do/1/x' }, ...more });
const marks = (entries: readonly AuditEntry[]) => reviewUnlockEvents(entries, terms).events.map(({ unusual }) => unusual);

test('what is usual has no mark; nights, failures and what no run did have theirs', () => {
  expect(marks([entry('10-01T12:00', 'VOLUME_UNLOCK')])).toEqual([[]]);
  expect(marks([entry('10-01T21:59', 'VOLUME_UNLOCK'), entry('10-01T22:00', 'VOLUME_UNLOCK'), entry('10-02T05:59', 'KEY_ADD'), entry('10-02T06:00', 'KEY_ADD')])).toEqual([[], ['at night'], ['at night'], []]);
  expect(marks([entry('10-01T12:00', 'VOLUME_UNLOCK_FAILED')])).toEqual([['failed']]);
  expect(marks([entry('10-01T12:00', 'VOLUME_UNLOCK', { details: {} }), entry('10-01T12:00', 'HOST_TAKEN_FIRST', { details: { id: 'run-9/open/do/1/x' } })])).toEqual([['by no run of this host'], ['by no run of this host']]);
});

test('a wrong passphrase has failed wherever it was asked for, and a recovery key at another prompt is unusual', () => {
  expect(marks([entry('10-01T12:00', 'PASSPHRASE_WRONG'), entry('10-01T12:00', 'RECOVERY_KEY_TYPED')])).toEqual([['failed'], ['the recovery key, at a prompt for another']]);
});

test('an address is new where it was not seen before the period, and none is where nothing was', () => {
  const before = entry('07-01T12:00', 'RUN_OPEN', { from: '192.0.2.7' });
  const within = [entry('10-01T12:00', 'VOLUME_UNLOCK', { from: '192.0.2.7' }), entry('10-01T12:00', 'VOLUME_UNLOCK', { from: '192.0.2.9' })];
  expect(marks([before, ...within])).toEqual([[], ['address not seen before']]);
  expect(reviewUnlockEvents(within, terms)).toMatchObject({ knowsAddresses: false, events: [{ unusual: [] }, { unusual: [] }] });
});

test('only keys, unlocks and the claim of the host are looked at, and each of them once', () => {
  const typed = ['PASSPHRASE_WRONG', 'RECOVERY_KEY_TYPED', 'VOLUME_REENCRYPT'];
  const names = [...typed, 'VOLUME_UNLOCK_BEGIN', 'VOLUME_UNLOCK_WAITS', 'VOLUME_UNLOCK', 'KEY_REMOVE', 'HOST_TAKEN_FIRST', 'EMERGENCY_ACCESS', 'BACKUP_CREATE', 'VOLUME_FORMAT'];
  const { events } = reviewUnlockEvents([entry('07-31T23:59', 'KEY_ADD'), ...names.map((name) => entry('10-01T12:00', name))], terms);
  expect(events.map(({ event }) => event)).toEqual([...typed, 'VOLUME_UNLOCK', 'KEY_REMOVE', 'HOST_TAKEN_FIRST', 'EMERGENCY_ACCESS']);
});

test('an event is one line', () => {
  expect(describeEvent({ ...entry('10-01T23:10', 'VOLUME_UNLOCK', { from: '192.0.2.9' }), unusual: ['at night', 'address not seen before'] })).toBe('2026-10-01 23:10 UTC VOLUME_UNLOCK by ann from 192.0.2.9: at night, address not seen before');
});
