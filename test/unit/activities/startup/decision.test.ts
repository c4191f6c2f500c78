import { expect, test } from 'vitest';
import { decideStart } from '../../../../src/activities/startup/decision.js';
import type { Standing } from '../../../../src/activities/startup/standing.js';

const now = new Date('2026-11-01T12:00:00Z');
const up: Standing = { bootId: 'b2', isSelected: true, volume: 'open', services: [{ container: 'database' }, { container: 'application' }] };
const closed: Standing = { ...up, volume: 'closed', services: [] };
const ended = (isLeftAlone: boolean, at = '2026-11-01T11:00:00Z') => ({ container: 'database', end: { id: 'c1', at, isLeftAlone, cause: 'so' } });
const decide = (standing: Standing, mayAsk = true) => decideStart(standing, mayAsk, now);

test('what runs is let run', () => {
  expect(decide(up)).toBeUndefined();
});

test('a boot has locked the volume: startup is begun, once', () => {
  expect(decide(closed)).toMatchObject({ start: 'boot' });
  expect(decide({ ...closed, volume: 'not mounted' })).toMatchObject({ start: 'boot' });
  expect(decide(closed, false)).toBeUndefined();
});

test('what shutdown locked stays locked until the next boot', () => {
  const shutDown = { at: '2026-11-01T11:00:00Z', by: 'ann' };
  expect(decide({ ...closed, shutDown: { ...shutDown, bootId: 'b2' } })).toBeUndefined();
  expect(decide({ ...closed, shutDown: { ...shutDown, bootId: 'b1' } })).toMatchObject({ start: 'boot' });
});

test('a host whose database lies elsewhere, or whose volume is not there, is none of ours', () => {
  expect(decide({ ...closed, isSelected: false })).toBeUndefined();
  expect(decide({ ...closed, volume: 'missing' })).toBeUndefined();
});

test('a container that nobody stopped is started, whatever else was asked before', () => {
  expect(decide({ ...up, services: [ended(false), { container: 'application' }] }, false)).toEqual({ start: 'watch', why: 'database: so' });
});

test('one that somebody stopped is left alone, and does not keep the other one down', () => {
  expect(decide({ ...up, services: [ended(true)] })).toEqual({ leaveAlone: [ended(true)] });
  expect(decide({ ...up, services: [ended(true), { ...ended(false), container: 'application' }] })).toEqual({ start: 'watch', why: 'application: so' });
});

test('one that has just ended is looked at again first: Docker may not have noted yet how', () => {
  expect(decide({ ...up, services: [ended(false, '2026-11-01T11:59:57Z')] })).toBeUndefined();
});
