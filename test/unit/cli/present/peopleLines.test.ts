import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { describeHolders, renderPeople } from '../../../../src/cli/present/peopleLines.js';
import { plainTheme } from '../../../../src/cli/present/theme.js';
import { configSchema } from '../../../../src/config/schema.js';
import { completePeople } from '../../config/people.js';

const peopleOf = (people?: unknown) => configSchema.parse({ host: 'db1', people }).people;
const now = new Date('2030-05-04T02:01:10Z');
const render = (people?: unknown, width = 80) => renderPeople(peopleOf(people), { width, theme: plainTheme, now });

test('holders, contacts with the time where they are, and places', () => {
  expect(render(completePeople)).toEqual([
    'Key holders                                           operational  recovery  MFA',
    '  first, Primary Admin                                yes          yes       yes',
    '      +49 1, Sat 04:01 there, login admin',
    '  second, Backup Admin                                yes          yes       yes',
    '      second@example.com',
    '  third, Emergency Contact                            no           yes       yes',
    '      +1 3, Fri 22:01 there',
    '',
    'Emergency contacts',
    '  third',
    '      +1 3, Fri 22:01 there, has the key of the safe',
    '  fifth',
    '      +81 5, Sat 11:01 there',
    '',
    'Where it is kept',
    '  operational passphrase        1Password vault "SuperSync Production", entry',
    '                                "SuperSync LUKS Operational Key"',
    '  recovery key                  physical safe on the second floor, sealed',
    '                                envelope',
    '  its second copy               bank safe deposit box',
    '  passphrase of the backups     1Password "SuperSync Backups"',
    '  password of the test account  –',
    '',
    'Nothing of what the plan asks for is missing.',
  ]);
});

test('where nobody is named, that is what is shown, with all that is missing', () => {
  const lines = render();
  expect(lines.filter((line) => line === '  nobody is named')).toHaveLength(2);
  expect(lines.slice(lines.indexOf('Missing') + 1)[0]).toBe('  ! no people hold the operational passphrase; the plan has two or three');
});

test.each([40, 60, 80, 100])('nothing is wider than %i columns', (width) => {
  for (const line of render({ ...completePeople, keyHolders: [...completePeople.keyHolders, { name: 'x'.repeat(90), role: 'y '.repeat(50) }] }, width)) {
    expect(stringWidth(line)).toBeLessThanOrEqual(width);
  }
});

test.each([
  ['operationalPassphrase', ['first, +49 1, Sat 04:01 there', 'second, second@example.com'], ['kept in']],
  ['recoveryPassphrase', ['first, +49 1, Sat 04:01 there', 'second, second@example.com', 'third, +1 3, Fri 22:01 there'], ['kept in', 'second copy']],
  ['backupPassphrase', ['first, +49 1, Sat 04:01 there', 'second, second@example.com'], ['kept in']],
  ['testAccountPassword', ['first, +49 1, Sat 04:01 there', 'second, second@example.com'], []],
])('%s can be answered by those who hold it', (secret, who, places) => {
  const facts = describeHolders(peopleOf(completePeople), secret, now);
  expect(facts.slice(0, who.length).map(([, value]) => value)).toEqual(who);
  expect(facts.slice(who.length).map(([label]) => label)).toEqual(places);
  expect(facts[0]?.[0]).toBe('who can answer');
});

test('nobody is shown for a secret that no one is named for, or that is none', () => {
  expect(describeHolders(peopleOf(), 'operationalPassphrase', now)).toEqual([]);
  expect(describeHolders(peopleOf(completePeople), 'toString', now)).toEqual([]);
});
