import { hostFiles } from '../../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../../src/rehearsal/rehearsal.js';
import { readData, readHostParts, volumeFile } from './hostParts.js';
import { allPassphrases } from './keyring.js';

/** The name of the open volume. */
export const mapping = 'pg-data-encrypted';
const mountPoint = `/mnt/${mapping}`;

/** What a LUKS2 header says in JSON, as far as it is looked at. */
export interface HeaderJson {
  readonly keyslots: Readonly<Record<string, { readonly type: string; readonly kdf?: { readonly salt: string } }>>;
  readonly tokens: Readonly<Record<string, { readonly type: string; readonly role?: string; readonly keyslots: readonly string[] }>>;
}

/** An entry of proven-slots.json, as far as it is looked at. */
export interface Proof {
  readonly slot: number;
}

/** Everything of a host that keys and the volume are about, each as text without slot numbers and ids of runs. */
export async function readKeyState(rehearsal: Rehearsal): Promise<Readonly<Record<string, string>>> {
  const { guest } = rehearsal;
  const sh = (script: string, input = '') => guest.expect('sh', ['-c', script], { input });
  const { compose, leftovers } = await readHostParts(rehearsal, ['compose', 'leftovers']);
  const serves = compose.includes('supersync-postgres') && (await sh("docker inspect --format '{{.State.Running}}' supersync-postgres")).trim() === 'true';
  return {
    compose,
    leftovers: (await isHeldByBoot(rehearsal)) ? leftovers.replace('claimed\n', '') : leftovers,
    keys: await readKeys(rehearsal),
    'header backups': await readHeaderBackups(rehearsal),
    volume: await sh(`cryptsetup status ${mapping} | head -1; findmnt --noheadings --output SOURCE,TARGET,FSTYPE,OPTIONS ${mountPoint} || echo 'not mounted'; losetup --associated ${volumeFile} | wc -l`),
    sizes: await sh(`stat --format '%s %b %B' ${volumeFile} | awk '{ print $1, ($2 * $3 >= $1) ? "allocated" : "NOT allocated in full" }'; test ! -e /dev/mapper/${mapping} || { blockdev --getsize64 /dev/mapper/${mapping}; dumpe2fs -h /dev/mapper/${mapping} 2>/dev/null | grep '^Block count'; }`),
    marks: await sh(`cd ${hostFiles.state} && ls | grep '[.]json$' | grep --invert-match claim.json`),
    data: serves ? withoutRoles(await readData(rehearsal)) : 'the database is down',
  };
}

/** A start-up that a boot has begun by itself, and that waits for the passphrase: it belongs to the next run of the course. */
async function isHeldByBoot({ guest }: Rehearsal): Promise<boolean> {
  const text = await guest.expect('sh', ['-c', `cat ${hostFiles.state}/claim.json 2>/dev/null || echo '{}'`]);
  const { runbook, startedBy } = JSON.parse(text) as { readonly runbook?: string; readonly startedBy?: string };
  return runbook === 'startup' && startedBy === 'boot';
}

/** Which passphrase opens the slot of which role, by cryptsetup itself, and whether that is proven. */
async function readKeys(rehearsal: Rehearsal): Promise<string> {
  const { guest } = rehearsal;
  const header = await readHeader(rehearsal, volumeFile);
  const proofs = JSON.parse((await guest.expect('sh', ['-c', `cat ${hostFiles.state}/proven-slots.json 2>/dev/null || echo '[]'`])) || '[]') as readonly Proof[];
  const lines: string[] = [];
  for (const [slot, keyslot] of Object.entries(header.keyslots)) {
    const roles = Object.values(header.tokens).flatMap(({ role, keyslots }) => (keyslots.includes(slot) ? [role ?? 'no role'] : []));
    const known = await readOpeners(rehearsal, volumeFile, slot, keyslot);
    const openers = await openersAmong(rehearsal, volumeFile, slot, allPassphrases.filter(([name]) => known.includes(name)));
    const isProven = proofs.some((proof) => String(proof.slot) === slot);
    lines.push(`${roles.join(' and ') || 'no role'} (${keyslot.type}): opened by ${openers.join(' and ') || 'nothing that was ever typed'}${isProven ? ', proven' : ', NOT PROVEN'}`);
  }
  return lines.toSorted().join('\n');
}

/** The header backups that are left on the host, and what opens the volume with each. */
async function readHeaderBackups(rehearsal: Rehearsal): Promise<string> {
  const files = (await rehearsal.guest.expect('sh', ['-c', `find ${hostFiles.state}/runs -name 'luks-header*' | sort`])).split('\n').filter((file) => file !== '');
  const lines: string[] = [];
  for (const file of files) {
    const openers = new Set<string>();
    if (file.endsWith('.img')) {
      for (const [slot, keyslot] of Object.entries((await readHeader(rehearsal, file)).keyslots)) for (const name of await readOpeners(rehearsal, file, slot, keyslot)) openers.add(name);
    }
    lines.push([file.replace(hostFiles.state, ''), ...allPassphrases.map(([name]) => name).filter((name) => openers.has(name))].join(', '));
  }
  return lines.join('\n');
}

async function readHeader({ guest }: Rehearsal, file: string): Promise<HeaderJson> {
  return JSON.parse(await guest.expect('cryptsetup', ['luksDump', '--dump-json-metadata', file])) as HeaderJson;
}

/** A slot is filled once, with a salt of its own: what opens it was tried when it was seen first. */
const openersBySalt = new WeakMap<Rehearsal, Map<string, readonly string[]>>();

async function readOpeners(rehearsal: Rehearsal, header: string, slot: string, { kdf }: HeaderJson['keyslots'][string]): Promise<readonly string[]> {
  const tried = openersBySalt.get(rehearsal) ?? new Map<string, readonly string[]>();
  openersBySalt.set(rehearsal, tried);
  const openers = (kdf === undefined ? [] : tried.get(kdf.salt)) ?? (await openersAmong(rehearsal, header, slot, allPassphrases));
  if (kdf !== undefined) tried.set(kdf.salt, openers);
  return openers;
}

/** @returns The names of those passphrases that open the slot. */
async function openersAmong({ guest }: Rehearsal, header: string, slot: string, passphrases: typeof allPassphrases): Promise<readonly string[]> {
  const script = `while IFS= read -r passphrase; do if printf %s "$passphrase" | cryptsetup open --test-passphrase --key-slot ${slot} --key-file=- --header ${header} ${volumeFile} 2>/dev/null; then echo opens; else echo fails; fi; done`;
  const answers = (await guest.expect('sh', ['-c', script], { input: passphrases.map(([, value]) => `${value}\n`).join('') })).split('\n');
  return passphrases.flatMap(([name], index) => (answers[index] === 'opens' ? [name] : []));
}

/** A password's digest has a salt of its own in every new cluster. */
function withoutRoles(data: string): string {
  return data.split('\n').filter((line) => !line.startsWith('roles|')).join('\n');
}
