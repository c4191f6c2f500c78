import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { clientAccount, testAccount } from './accounts.js';
import { hashPassword } from './application/authentication.js';
import { baseSql, attachmentsSql, finishSql, type UserRow } from './sampleDataSql.js';
import { schemaSql } from './schema.js';

const compress = promisify<string, Buffer>(gzip);
const attachmentsPerBatch = 4_000;
// What one takes with its share of the indices, as measured.
const attachmentBytes = 17_600;

/**
 * Runs SQL as the database's owner and gives what it printed: `psql -qAtX -v ON_ERROR_STOP=1` with the
 * statements on standard input, for example behind `docker exec -i supersync-postgres`.
 */
export type Psql = (sql: string) => Promise<string>;

/** The size and shape of the sample data. */
export interface SampleDataOptions {
  readonly psql: Psql;
  /** The same seed gives the same rows; default 1. */
  readonly seed?: number;
  /** Default 50, at least 3: the first is the client's account, the second the test account. */
  readonly userCount?: number;
  /** Ordinary operations; default 5,000. */
  readonly operationCount?: number;
  /** The database grows to at least this size with attachments of 16 KiB; default: none are added. */
  readonly sizeBytes?: number;
  /** Called after each batch that was added towards `sizeBytes`. */
  readonly onProgress?: (progress: { readonly sizeBytes: number; readonly wantedBytes: number }) => void;
}

/** What is in the database afterwards. */
export interface SampleData {
  readonly changed: boolean;
  readonly users: number;
  readonly operations: number;
  readonly snapshots: number;
  readonly sizeBytes: number;
}

/**
 * Fills the application's database: accounts, operations, devices, passkeys and gzipped snapshots,
 * made on the server, so that gigabytes take a minute or two. Done again it adds only what is missing
 * towards the size; interrupted, it goes on.
 *
 * @throws Error when there are fewer than 3 users, or whatever `psql` throws.
 */
export async function ensureSampleData(options: SampleDataOptions): Promise<SampleData> {
  const { psql, seed = 1, userCount = 50, operationCount = 5_000, sizeBytes: wantedBytes = 0 } = options;
  if (userCount < 3) throw new Error(`${userCount} users are too few; give at least 3, two of them are the accounts of the client and the test`);
  await psql(schemaSql);
  let changed = false;
  const present = await psql(`SELECT count(*) FROM users WHERE email = '${clientAccount.email}'`);
  if (Number(present) === 0) {
    await psql(baseSql({ seed, users: await createUsers(seed, userCount), operationCount }));
    changed = true;
  }
  let sizeBytes = await readSizeBytes(psql);
  while (sizeBytes < wantedBytes) {
    const missing = Math.ceil((wantedBytes - sizeBytes) / attachmentBytes);
    await psql(attachmentsSql({ seed, userCount, count: Math.min(missing, attachmentsPerBatch) }));
    changed = true;
    sizeBytes = await readSizeBytes(psql);
    options.onProgress?.({ sizeBytes, wantedBytes });
  }
  if (changed) await psql(finishSql);
  return { changed, ...(await readFigures(psql)) };
}

/**
 * Reads a size as it is typed: a number with K, M, G or T, powers of 1024.
 *
 * @returns Bytes.
 * @throws Error when the text is no such size.
 */
export function parseSizeBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const unit = 'KMGT'.indexOf((match?.[2] ?? '').toUpperCase() || ' ') + 1;
  if (match?.[1] === undefined || Number(match[1]) === 0) throw new Error(`${text} is no size; give one like 500M or 2G`);
  return Math.round(Number(match[1]) * 1024 ** unit);
}

async function createUsers(seed: number, userCount: number): Promise<UserRow[]> {
  const salt = (email: string) => createHash('md5').update(`${seed} ${email}`).digest();
  const users: UserRow[] = [];
  for (let number = 1; number <= userCount; number += 1) {
    const account = number === 1 ? clientAccount : number === 2 ? testAccount : undefined;
    const email = account?.email ?? `user-${String(number).padStart(3, '0')}@example.com`;
    const state = { TASK: { [`task-${number}`]: { title: `Task of user ${number}`, notes: salt(email).toString('hex').repeat(64) } } };
    users.push({
      email,
      // Only the two accounts can log in: nobody needs the others' passwords.
      passwordHash: account ? await hashPassword(account.password, salt(email)) : null,
      snapshot: await compress(JSON.stringify(state)),
    });
  }
  return users;
}

async function readSizeBytes(psql: Psql): Promise<number> {
  return Number(await psql('SELECT pg_database_size(current_database())'));
}

async function readFigures(psql: Psql): Promise<Omit<SampleData, 'changed'>> {
  const text = await psql(`SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM operations),
    (SELECT count(*) FROM user_sync_state WHERE snapshot_data IS NOT NULL), pg_database_size(current_database())`);
  const [users = 0, operations = 0, snapshots = 0, sizeBytes = 0] = text.trim().split('|').map(Number);
  return { users, operations, snapshots, sizeBytes };
}
