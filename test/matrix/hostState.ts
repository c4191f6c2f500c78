import { clientAccount, testAccount } from '../../src/rehearsal/deployment/accounts.js';
import { deployment } from '../../src/rehearsal/deployment/files.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';

/** What a run leaves on the host and what must be the same whatever broke on the way. */
export interface HostState {
  /** Key slots and their roles, as the header has them. */
  readonly slots: string;
  /** What Compose has selected, where the data lies, which containers start by themselves. */
  readonly compose: string;
  /** Rows and digests of what nobody has written since the host was made, and the cluster's roles and databases. */
  readonly data: string;
  /** Containers, mappings, mounts, control groups and files that a run might have left behind. */
  readonly leftovers: string;
  /** Events of the audit log by node and opening, each with how often it is there. */
  readonly events: readonly string[];
}

const auditLog = '/var/log/luks-audit.log';

const script = {
  slots: `cryptsetup luksDump --dump-json-metadata /var/lib/supersync-encrypted.img | jq --compact-output --sort-keys '{keyslots: [.keyslots | keys[]], tokens: [.tokens[] | {type, keyslots}]}'`,
  // Docker tells the mounts in any order.
  compose: `docker inspect supersync-postgres supersync-server | jq --raw-output '.[] | "\\(.Name) \\([.Mounts[].Source] | sort | join(" ")) \\(.HostConfig.RestartPolicy.Name) \\(.State.Running)"'; grep COMPOSE_FILE /opt/supersync/.env || true`,
  leftovers: `docker ps --all --format '{{.Names}}' | sort; ls /dev/mapper; ls /opt/supersync/maintenance 2>/dev/null; test ! -e /var/lib/lockstep/claim.json || echo claimed; find /var/backups /var/lib/supersync-encrypted.img* -name '*.partial*' 2>/dev/null; find /sys/fs/cgroup -path '*lockstep-worker*' -name cgroup.procs -size +0 2>/dev/null; true`,
} as const;

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

/** Reads it after the run's end. */
export async function readHostState({ guest }: Rehearsal, runId: string): Promise<HostState> {
  const read = (command: string) => guest.expect('sh', ['-c', command]);
  const log = await guest.expect('cat', [auditLog]);
  return {
    slots: await read(script.slots),
    compose: await read(script.compose),
    data: await guest.expect('docker', ['exec', deployment.databaseContainer, 'psql', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-U', deployment.databaseUser, '-d', deployment.databaseName, '-c', dataQuery]),
    leftovers: await read(script.leftovers),
    events: countEvents(log, runId),
  };
}

/**
 * What the audit log tells twice.
 *
 * @returns In words, of all runs.
 */
export async function readRepeatedEvents({ guest }: Pick<Rehearsal, 'guest'>): Promise<readonly string[]> {
  // The first run may not have begun it yet.
  const log = await guest.expect('sh', ['-c', `test ! -e ${auditLog} || cat ${auditLog}`]);
  const runIds = new Set(log.split('\n').flatMap((line) => idOf(line)?.split('/')[0] ?? []));
  return [...runIds].flatMap((runId) => repeatedEvents(countEvents(log, runId)));
}

/** Each is there once. A step that lost its passphrase with its worker is opened anew, and what it then does again is told again. */
export function repeatedEvents(events: HostState['events']): readonly string[] {
  return events
    .map(splitEvent)
    .filter(([, count]) => count > 1)
    .map(([key, count]) => `${key} is there ${count} times`);
}

/** The event and how often it is there. */
export function splitEvent(event: string): readonly [string, number] {
  const at = event.lastIndexOf(' ');
  return [event.slice(0, at), Number(event.slice(at + 1))];
}

/** Of one run; what waits for a passphrase depends on when a worker's memory was lost, and is left out. */
function countEvents(log: string, runId: string): HostState['events'] {
  const counts = new Map<string, number>();
  for (const line of log.split('\n')) {
    const id = idOf(line);
    if (id === undefined || !id.startsWith(runId) || line.includes('_WAITS ')) continue;
    const [, node = '', phase = '', opening = '', event = ''] = id.split('/');
    const key = `${node}/${phase}/${opening}/${event}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => `${key} ${count}`).sort();
}

function idOf(line: string): string | undefined {
  return / id=(\S+)/.exec(line)?.[1];
}
