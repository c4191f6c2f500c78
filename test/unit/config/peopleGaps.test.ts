import { describe, expect, it } from 'vitest';
import { findGapsInPeople } from '../../../src/config/peopleGaps.js';
import { configSchema } from '../../../src/config/schema.js';
import { completePeople } from './people.js';

const gapsOf = (people: unknown) => findGapsInPeople(configSchema.parse({ host: 'db1', people }).people);

describe('the gaps in who holds what', () => {
  it('are none where everything of the plan is there', () => {
    expect(gapsOf(completePeople)).toEqual([]);
  });

  it('are told where there is nobody, and nothing is refused', () => {
    expect(gapsOf(undefined)).toEqual([
      'no people hold the operational passphrase; the plan has two or three administrators',
      'no people hold the recovery key; two at least, or one absence is an outage',
      'no emergency contacts are named; two at least',
      'where the operational passphrase is kept is not named (people.places.operational)',
      'where the recovery key is kept is not named (people.places.recovery)',
      "where the recovery key's second copy is kept is not named (people.places.recoveryCopy)",
      'where the passphrase of the backups is kept is not named (people.places.backup)',
    ]);
  });

  const [first, second, third] = completePeople.keyHolders;

  it.each([
    [[first, second], []],
    [[first, third], ['1 person holds the operational passphrase; the plan has two or three administrators']],
    [[first, { ...second, recovery: false }], ['1 person holds the recovery key; two at least, or one absence is an outage']],
    [[first, second, { ...third, mfa: false }], ['third has no second factor (mfa)']],
    [[first, second, { name: 'third', role: 'x', recovery: true, mfa: true }], ['third has neither telephone nor e-mail']],
    [
      [first, second, { ...third, operational: true }, { ...third, name: 'fourth', operational: true }],
      ['4 people hold the operational passphrase; the plan has two or three administrators'],
    ],
  ])('are those of the holders %#', (keyHolders, gaps) => {
    expect(gapsOf({ ...completePeople, keyHolders })).toEqual(gaps);
  });

  it('are those of contacts and places', () => {
    const { recoveryCopy: _, ...places } = completePeople.places;
    expect(gapsOf({ ...completePeople, places, emergencyContacts: completePeople.emergencyContacts.slice(1) })).toEqual([
      '1 emergency contact is named; two at least',
      "where the recovery key's second copy is kept is not named (people.places.recoveryCopy)",
    ]);
  });
});

describe('a time zone', () => {
  const parse = (timeZone: string) => configSchema.safeParse({ host: 'db1', people: { emergencyContacts: [{ name: 'a', phone: '1', timeZone }] } }).success;

  it.each(['Europe/Berlin', 'America/New_York', 'UTC'])('is %s', (timeZone) => {
    expect(parse(timeZone)).toBe(true);
  });

  it.each(['Berlin', '+01:00', 'CET+1', ''])('is not %j', (timeZone) => {
    expect(parse(timeZone)).toBe(false);
  });
});
