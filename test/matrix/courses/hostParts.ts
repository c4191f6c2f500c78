import { clientAccount, testAccount } from '../../../src/rehearsal/deployment/accounts.js';
import { deployment } from '../../../src/rehearsal/deployment/files.js';
import type { Rehearsal } from '../../../src/rehearsal/rehearsal.js';

/** The file that holds the volume. */
export const volumeFile = '/var/lib/supersync-encrypted.img';

const scripts = {
  slots: `cryptsetup luksDump --dump-json-metadata ${volumeFile} | jq --compact-output --sort-keys '{keyslots: [.keyslots | keys[]], tokens: [.tokens[] | {type, keyslots}]}'`,
  // Docker tells the mounts in any order.
  compose: `docker inspect supersync-postgres supersync-server | jq --raw-output '.[] | "\\(.Name) \\([.Mounts[].Source] | sort | join(" ")) \\(.HostConfig.RestartPolicy.Name) \\(.State.Running)"'; grep COMPOSE_FILE /opt/supersync/.env || true`,
  leftovers: `docker ps --all --format '{{.Names}}' | sort; ls /dev/mapper; ls /opt/supersync/maintenance 2>/dev/null; test ! -e /var/lib/lockstep/claim.json || echo claimed; find /var/backups ${volumeFile}* -name '*.partial*' 2>/dev/null; find /sys/fs/cgroup -path '*lockstep-worker*' -name cgroup.procs -size +0 2>/dev/null; true`,
} as const;

/**
 * What every run has to leave as an undisturbed one does: key slots and their roles as the header has them; what Compose
 * has selected, where the data lies, which containers start by themselves; containers, mappings, mounts, control groups
 * and files that might have been left behind.
 */
export async function readHostParts<Name extends keyof typeof scripts>({ guest }: Rehearsal, names: readonly Name[]): Promise<Record<Name, string>> {
  const read = async (name: Name) => [name, await guest.expect('sh', ['-c', scripts[name]])] as const;
  const parts: (readonly [Name, string])[] = [];
  for (const name of names) parts.push(await read(name));
  return Object.fromEntries(parts) as Record<Name, string>;
}

// What the client sends is looked at row by row at the end; here is everything else.
const ownerOf = (account: { readonly email: string }): string => `(SELECT id FROM users WHERE email = '${account.email}')`;
const dataQuery = `
SELECT 'users', count(*), md5(string_agg(t::text, ' ' ORDER BY id)) FROM users t
UNION ALL SELECT 'passkeys', count(*), md5(string_agg(t::text, ' ' ORDER BY id)) FROM passkeys t
UNION ALL SELECT 'operations', count(*), md5(string_agg(t::text, ' ' ORDER BY id)) FROM operations t WHERE user_id <> ${ownerOf(clientAccount)}
UNION ALL SELECT 'devices', count(*), md5(string_agg(t::text, ' ' ORDER BY user_id, client_id)) FROM sync_devices t WHERE user_id <> ${ownerOf(clientAccount)}
UNION ALL SELECT 'snapshots', count(*), md5(string_agg(t::text, ' ' ORDER BY user_id)) FROM user_sync_state t WHERE user_id NOT IN (${ownerOf(clientAccount)}, ${ownerOf(testAccount)})
UNION ALL SELECT 'roles', count(*), md5(string_agg(t::text, ' ' ORDER BY rolname)) FROM pg_authid t
UNION ALL SELECT 'databases', count(*), string_agg(concat_ws(' ', datname, pg_encoding_to_char(encoding), datcollate, datcollversion), ', ' ORDER BY datname) FROM pg_database
UNION ALL SELECT 'indices that are not valid', count(*), '' FROM pg_index WHERE NOT indisvalid
UNION ALL SELECT 'checksums', count(*), max(setting) FROM pg_settings WHERE name = 'data_checksums'`;

/** Rows and digests of what nobody has written since the host was made, and the cluster's roles and databases; a line each. */
export function readData({ guest }: Rehearsal): Promise<string> {
  return guest.expect('docker', ['exec', deployment.databaseContainer, 'psql', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-U', deployment.databaseUser, '-d', deployment.databaseName, '-c', dataQuery]);
}
