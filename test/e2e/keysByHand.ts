import { expect } from 'vitest';
import { hostFiles } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';

/** The passphrases of a volume by their roles. */
export interface Keys {
  operational: string;
  recovery: string;
}

/** The volume of a rehearsal. */
export const volumeFile = '/var/lib/supersync-encrypted.img';

/** The slot that cryptsetup itself says a passphrase opens, of the volume or of a header backup; undefined where it opens none. */
export async function slotOf({ guest }: Rehearsal, passphrase: string, header = volumeFile): Promise<number | undefined> {
  const script = `printf %s "$1" | cryptsetup open --test-passphrase --verbose --key-file=- ${header === volumeFile ? '' : `--header ${header}`} ${volumeFile}`;
  const { stdout, exitCode } = await guest.exec('sh', ['-c', script, 'sh', passphrase]);
  return exitCode === 0 ? Number(/Key slot (\d+) unlocked/.exec(stdout)?.[1]) : undefined;
}

/** Adds a key without a role, as somebody does who knows a passphrase and wants one of their own. */
export async function addKey({ guest }: Rehearsal, present: string, added: string): Promise<void> {
  const script = 'printf %s "$1" > /run/present && printf %s "$2" > /run/added && cryptsetup luksAddKey --batch-mode --pbkdf pbkdf2 --key-file /run/present "$3" /run/added';
  await guest.expect('sh', ['-c', `${script}; added=$?; rm -f /run/present /run/added; exit $added`, 'sh', present, added, volumeFile]);
}

/**
 * Exactly two slots, each with its role, opened by what is right now and by nothing that it replaced; and so is each header
 * backup on the host.
 *
 * @returns The slots as a run record names them, and the header backups.
 */
export async function expectOnlyKeys(rehearsal: Rehearsal, keys: Keys, replaced: readonly string[]): Promise<{ readonly slots: string; readonly headerBackups: readonly string[] }> {
  const dump = await rehearsal.guest.expect('cryptsetup', ['luksDump', '--dump-json-metadata', volumeFile]);
  const { keyslots, tokens } = JSON.parse(dump) as { keyslots: Record<string, unknown>; tokens: Record<string, { role: string; keyslots: string[] }> };
  expect(Object.keys(keyslots)).toHaveLength(2);
  const slotsOfRole = (role: string) => Object.values(tokens).flatMap((token) => (token.role === role ? token.keyslots.map(Number) : []));
  const operational = await slotOf(rehearsal, keys.operational);
  const recovery = await slotOf(rehearsal, keys.recovery);
  expect([slotsOfRole('operational'), slotsOfRole('recovery')]).toEqual([[operational], [recovery]]);
  const listed = await rehearsal.guest.expect('find', [`${hostFiles.state}/runs`, '-name', 'luks-header*.img']);
  const headerBackups = listed.split('\n').filter((file) => file !== '').sort();
  expect(headerBackups).not.toEqual([]);
  for (const header of [volumeFile, ...headerBackups]) {
    expect([header, await slotOf(rehearsal, keys.operational, header), await slotOf(rehearsal, keys.recovery, header)]).toEqual([header, operational, recovery]);
    for (const passphrase of replaced) expect([header, passphrase, await slotOf(rehearsal, passphrase, header)]).toEqual([header, passphrase, undefined]);
  }
  return { slots: [`${operational} operational`, `${recovery} recovery`].sort().join(', '), headerBackups };
}
