import type { KeyHolder, People } from '../../config/peopleSchema.js';
import type { SecretName } from '../../config/schema.js';
import type { Facts } from '../../contract/facts.js';
import { findGapsInPeople } from '../../config/peopleGaps.js';
import { spread, tabulate, wrapHanging } from './text.js';
import type { Theme } from './theme.js';

/** Who and what is meant by a secret of lockstep.yaml. The plan keeps all but the recovery key where the operational passphrase is. */
const ofSecret: Readonly<Record<SecretName, { readonly key: 'operational' | 'recovery'; readonly place: keyof People['places'] }>> = {
  operationalPassphrase: { key: 'operational', place: 'operational' },
  recoveryPassphrase: { key: 'recovery', place: 'recovery' },
  newOperationalPassphrase: { key: 'operational', place: 'operational' },
  newRecoveryPassphrase: { key: 'recovery', place: 'recovery' },
  backupPassphrase: { key: 'operational', place: 'backup' },
  testAccountPassword: { key: 'operational', place: 'testAccount' },
};

/**
 * Who can type a secret, how to reach them, and where it is kept.
 *
 * @param secret - Its name in lockstep.yaml, as the question has it.
 * @returns Nothing where lockstep.yaml names nobody.
 */
export function describeHolders({ keyHolders, places }: People, secret: string, now: Date): Facts {
  if (!isSecretName(secret)) return [];
  const { key, place } = ofSecret[secret];
  const holders = keyHolders.filter((holder) => holder[key]);
  const [first, second] = [places[place], secret === 'recoveryPassphrase' ? places.recoveryCopy : undefined];
  return [
    ...holders.map((holder, index) => [index === 0 ? 'who can answer' : '', [holder.name, ...reach(holder, now)].join(', ')] as const),
    ...(first === undefined ? [] : [['kept in', first] as const]),
    ...(second === undefined ? [] : [['second copy', second] as const]),
  ];
}

/** All of `people` in lockstep.yaml as lines, and what is missing. */
export function renderPeople(people: People, { width, theme, now }: { readonly width: number; readonly theme: Theme; readonly now: Date }): string[] {
  const { keyHolders, emergencyContacts, places } = people;
  const gaps = findGapsInPeople(people);
  const head = (title: string): string[] => ['', theme.bold(title)];
  const none = theme.dim('  nobody is named');
  return [
    ...spread('', theme.bold('Key holders'), theme.dim(columns(['operational', 'recovery', 'MFA'])), width),
    ...(keyHolders.length === 0 ? [none] : keyHolders.flatMap((holder) => renderHolder(holder, { width, theme, now }))),
    ...head('Emergency contacts'),
    ...(emergencyContacts.length === 0 ? [none] : emergencyContacts.flatMap((contact) => [
          ...wrapHanging('  ', contact.name, width),
          ...wrapHanging('      ', theme.dim([...reach(contact, now), ...optional(contact.note)].join(', ')), width),
        ])),
    ...head('Where it is kept'),
    ...tabulate(placeNames.map(([key, name]) => [name, places[key] ?? '–'] as const), 2, width),
    ...(gaps.length === 0
      ? ['', theme.good('Nothing of what the plan asks for is missing.')]
      : [...head('Missing'), ...gaps.flatMap((gap) => wrapHanging(`  ${theme.warning('!')} `, gap, width))]),
  ];
}

const placeNames = [
  ['operational', 'operational passphrase'],
  ['recovery', 'recovery key'],
  ['recoveryCopy', 'its second copy'],
  ['backup', 'passphrase of the backups'],
  ['testAccount', 'password of the test account'],
] as const;

function renderHolder(holder: KeyHolder, { width, theme, now }: { readonly width: number; readonly theme: Theme; readonly now: Date }): string[] {
  const has = columns([holder.operational, holder.recovery, holder.mfa].map((yes) => (yes ? 'yes' : 'no')));
  const more = [...reach(holder, now), ...(holder.login === undefined ? [] : [`login ${holder.login}`])].join(', ');
  return [...spread('  ', `${holder.name}, ${holder.role}`, has, width), ...(more === '' ? [] : wrapHanging('      ', theme.dim(more), width))];
}

/** As wide as the words above them. */
function columns([operational = '', recovery = '', mfa = '']: readonly string[]): string {
  return `${operational.padEnd(11)}  ${recovery.padEnd(8)}  ${mfa.padEnd(3)}`;
}

function reach({ phone, email, timeZone }: { readonly phone?: string | undefined; readonly email?: string | undefined; readonly timeZone?: string | undefined }, now: Date): readonly string[] {
  return [...optional(phone), ...optional(email), ...(timeZone === undefined ? [] : [`${localTime(timeZone, now)} there`])];
}

/** Nobody is called at night for want of a look at the clock: `Fri 23:05`. */
function localTime(timeZone: string, now: Date): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit' }).format(now).replace(',', '');
}

function optional(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}

function isSecretName(secret: string): secret is SecretName {
  return Object.hasOwn(ofSecret, secret);
}
