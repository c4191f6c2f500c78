import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureSampleData, parseSizeBytes } from '../../../../src/rehearsal/deployment/sampleData.js';
import { startPostgres, type PostgresServer } from './postgresServer.js';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
}, 30_000);
afterAll(() => postgres.remove());

const digest = () => postgres.psql(`SELECT md5(string_agg(o::text, '' ORDER BY id)) FROM operations o
  UNION ALL SELECT md5(string_agg(u::text, '' ORDER BY id)) FROM users u
  UNION ALL SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM passkeys p
  UNION ALL SELECT md5(string_agg(s::text, '' ORDER BY user_id)) FROM user_sync_state s`);

describe('ensureSampleData', () => {
  it('makes the default deployment, and nothing more when done again', async () => {
    const first = await ensureSampleData({ psql: postgres.psql });
    expect(first).toMatchObject({ changed: true, users: 50, operations: 5_000, snapshots: 50 });
    const before = await digest();
    expect(await ensureSampleData({ psql: postgres.psql })).toMatchObject({ changed: false, operations: 5_000 });
    expect(await digest()).toBe(before);
  });

  it('numbers each user\'s operations without gaps, up to the state\'s last one', async () => {
    await ensureSampleData({ psql: postgres.psql });
    const uneven = await postgres.psql(`SELECT user_id FROM operations JOIN user_sync_state USING (user_id)
      GROUP BY user_id, last_seq HAVING count(*) <> max(server_seq) OR min(server_seq) <> 1 OR max(server_seq) <> last_seq`);
    expect(uneven).toBe('');
  });

  it('keeps snapshots that can be opened', async () => {
    await ensureSampleData({ psql: postgres.psql });
    const hex = await postgres.psql(`SELECT encode(snapshot_data, 'hex') FROM user_sync_state ORDER BY user_id LIMIT 1`);
    expect(JSON.parse(gunzipSync(Buffer.from(hex.trim(), 'hex')).toString())).toHaveProperty('TASK');
  });

  it('grows to a size with payloads that do not compress, and leaves the two accounts small', async () => {
    const wantedBytes = parseSizeBytes('24M');
    const progress: number[] = [];
    const grown = await ensureSampleData({ psql: postgres.psql, sizeBytes: wantedBytes, onProgress: ({ sizeBytes }) => progress.push(sizeBytes) });
    expect(grown.sizeBytes).toBeGreaterThanOrEqual(wantedBytes);
    expect(grown.sizeBytes).toBeLessThan(wantedBytes * 1.1);
    expect(progress.at(-1)).toBeGreaterThanOrEqual(wantedBytes);
    const stored = await postgres.psql(`SELECT min(pg_column_size(payload)) >= 16384 FROM operations WHERE entity_type = 'ATTACHMENT'`);
    expect(stored.trim()).toBe('t');
    const owners = await postgres.psql(`SELECT count(*) FROM operations o JOIN users u ON u.id = o.user_id
      WHERE entity_type = 'ATTACHMENT' AND email IN ('client@example.com', 'test@example.com')`);
    expect(owners.trim()).toBe('0');
  });

  it('gives the same rows for the same seed, and others for another', async () => {
    const make = async (seed: number) => {
      await postgres.psql('DROP TABLE users, operations, user_sync_state, sync_devices, passkeys');
      await ensureSampleData({ psql: postgres.psql, seed, userCount: 3, operationCount: 60 });
      return digest();
    };
    const first = await make(1);
    expect(await make(1)).toBe(first);
    expect(await make(2)).not.toBe(first);
  });

  it('refuses fewer users than it has accounts for', async () => {
    await expect(ensureSampleData({ psql: postgres.psql, userCount: 2 })).rejects.toThrow('2 users are too few');
  });
});

describe('parseSizeBytes', () => {
  it.each([
    ['2G', 2_147_483_648],
    ['500M', 524_288_000],
    ['1.5k', 1_536],
    ['64MiB', 67_108_864],
    ['4096', 4_096],
  ])('reads %s', (text, bytes) => expect(parseSizeBytes(text)).toBe(bytes));

  it.each(['', 'G', '-1G', '2X', '2 G B'])('refuses %j', (text) => expect(() => parseSizeBytes(text)).toThrow('is no size'));
});
