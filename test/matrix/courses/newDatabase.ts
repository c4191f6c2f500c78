import { deployment } from '../../../src/rehearsal/deployment/files.js';
import { rehearsalSecrets } from '../../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../../src/rehearsal/rehearsal.js';
import type { BackupManifest } from '../../../src/activities/backup/backupManifest.js';

const backup = '/var/backups/supersync/rehearsal.dump.gpg';
const { databaseContainer: container, databaseUser: user, databaseName: name } = deployment;

/** gpg without a home, a terminal and an agent that stays; the passphrase comes on standard input. */
const gpg = (what: string) => `export GNUPGHOME=$(mktemp -d); IFS= read -r passphrase; { printf %s "$passphrase" >"$GNUPGHOME/passphrase"; }
gpg() { command gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase-file "$GNUPGHOME/passphrase" "$@"; }
set -e; ${what}; gpgconf --kill all; rm -r "$GNUPGHOME"`;

/** Takes the deployment's data out of it, encrypted, and the deployment down with its database: it is to begin anew on the volume. */
export async function beginAnew(rehearsal: Rehearsal): Promise<void> {
  await withBackup(rehearsal, `mkdir -p /var/backups/supersync; until docker exec ${container} pg_isready --quiet --username ${user}; do sleep 1; done
    docker exec ${container} pg_dump --username ${user} --dbname ${name} --format custom >"$GNUPGHOME/dump"; gpg --output ${backup} --symmetric "$GNUPGHOME/dump"
    cd ${deployment.directory}; docker compose down --volumes --timeout 60 2>/dev/null; docker volume rm --force ${deployment.volume} >/dev/null; sync`);
}

/** Restores it into the new database, which proves the backup: the client's account is in it, and a rotation wants one of the last 24 hours. */
export async function fillDatabase(rehearsal: Rehearsal): Promise<void> {
  await withBackup(rehearsal, `gpg --decrypt ${backup} | docker exec --interactive ${container} pg_restore --username ${user} --dbname ${name} --clean --if-exists --exit-on-error`);
  const text = (script: string) => rehearsal.guest.expect('sh', ['-ec', script]).then((stdout) => stdout.trim());
  const now = await text('date --utc --iso-8601=seconds');
  const manifest: BackupManifest = {
    ...{ file: backup, kind: 'full', takenAt: now, verifiedAt: now, database: name, serverVersion: '15', runId: 'rehearsal' },
    sizeBytes: Number(await text(`stat --format %s ${backup}`)),
    sha256: await text(`sha256sum ${backup} | cut -c -64`),
  };
  await rehearsal.guest.putFile({ content: `${JSON.stringify(manifest)}\n`, to: `${backup}.json`, mode: 0o600 });
  await text('sync');
}

async function withBackup({ guest }: Rehearsal, script: string): Promise<void> {
  await guest.expect('bash', ['-c', gpg(script)], { input: `${rehearsalSecrets['backupPassphrase'] ?? ''}\n`, timeoutSeconds: 300 });
}
