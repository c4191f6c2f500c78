import type { People } from './peopleSchema.js';

/**
 * What a complete list of people has and this one lacks, by the plan's 5.1 and 5.3. A warning and no
 * refusal: a host has to be movable before its papers are.
 *
 * @returns One sentence for each gap, without a full stop; empty where nothing is missing.
 */
export function findGapsInPeople(people: People): readonly string[] {
  const { keyHolders, emergencyContacts, places } = people;
  const operational = keyHolders.filter((holder) => holder.operational).length;
  const recovery = keyHolders.filter((holder) => holder.recovery).length;
  return [
    ...(operational >= 2 && operational <= 3 ? [] : [`${count(operational, 'person holds', 'people hold')} the operational passphrase; the plan has two or three administrators`]),
    ...(recovery >= 2 ? [] : [`${count(recovery, 'person holds', 'people hold')} the recovery key; two at least, or one absence is an outage`]),
    ...keyHolders.filter(({ mfa }) => !mfa).map(({ name }) => `${name} has no second factor (mfa)`),
    ...keyHolders.filter(({ phone, email }) => phone === undefined && email === undefined).map(({ name }) => `${name} has neither telephone nor e-mail`),
    ...(emergencyContacts.length >= 2 ? [] : [`${count(emergencyContacts.length, 'emergency contact is', 'emergency contacts are')} named; two at least`]),
    ...placesToName.filter(([key]) => places[key] === undefined).map(([key, what]) => `where ${what} is kept is not named (people.places.${key})`),
  ];
}

/** The test account's is left out: it opens nothing of users'. */
const placesToName = [
  ['operational', 'the operational passphrase'],
  ['recovery', 'the recovery key'],
  ['recoveryCopy', "the recovery key's second copy"],
  ['backup', 'the passphrase of the backups'],
] as const;

function count(number: number, one: string, several: string): string {
  return `${number === 0 ? 'no' : number} ${number === 1 ? one : several}`;
}
