import { rm, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { clientAccount, testAccount } from '../../../../src/rehearsal/deployment/accounts.js';
import { ensureSampleData } from '../../../../src/rehearsal/deployment/sampleData.js';
import { startPostgres, type PostgresServer } from './postgresServer.js';
import { startApplication, type StartedApplication } from './startApplication.js';

let postgres: PostgresServer;
let application: StartedApplication;
let token: string;
let testToken: string;

beforeAll(async () => {
  postgres = await startPostgres();
  await ensureSampleData({ psql: postgres.psql, userCount: 3, operationCount: 30 });
  application = await startApplication(postgres.url);
  token = await application.login(clientAccount);
  testToken = await application.login(testAccount);
}, 30_000);

afterAll(async () => {
  await application.remove();
  await postgres.remove();
});

afterEach(() => rm(application.maintenanceFile, { force: true }));

const operation = (id: string, fields = {}) => ({
  id,
  opType: 'CRT',
  entityType: 'NOTE',
  entityId: `note-${id}`,
  payload: { title: id },
  vectorClock: { device: 1 },
  clientTimestamp: 1_700_000_000_000,
  ...fields,
});
const upload = (ops: readonly unknown[], as = token) =>
  application.call('POST', '/api/sync/ops', { token: as, body: { clientId: 'device', ops } });
const countOperations = async (id: string) => Number(await postgres.psql(`SELECT count(*) FROM operations WHERE id = '${id}'`));

describe('health and login', () => {
  it('answers 200 while the database does', async () => {
    expect(await application.call('GET', '/health')).toEqual({ status: 200, body: { status: 'ok', db: 'connected' } });
  });

  it('refuses a wrong password, an unknown email and an account without a password alike', async () => {
    for (const body of [
      { ...clientAccount, password: 'wrong' },
      { email: 'nobody@example.com', password: 'x' },
      { email: 'user-003@example.com', password: 'x' },
    ]) {
      expect((await application.call('POST', '/auth/login', { body })).status).toBe(401);
    }
  });

  it('refuses a request without a token, or with a forged one', async () => {
    expect((await application.call('GET', '/api/sync/ops')).status).toBe(401);
    expect((await application.call('GET', '/api/sync/ops', { token: `${token}x` })).status).toBe(401);
  });
});

describe('operations', () => {
  it('numbers a user\'s operations without gaps, and gives them back as they were sent', async () => {
    const first = await upload([operation('a'), operation('b', { payload: { text: 'ü "quoted" \\ \n' }, entityIds: ['x', 'y'] })]);
    expect(first.body['results']).toEqual([
      { opId: 'a', accepted: true, serverSeq: 11 },
      { opId: 'b', accepted: true, serverSeq: 12 },
    ]);
    const page = await application.call('GET', '/api/sync/ops?sinceSeq=11&limit=10', { token });
    expect(page.body).toMatchObject({ hasMore: false, latestSeq: 12 });
    expect((page.body['ops'] as unknown[])[0]).toMatchObject({ serverSeq: 12, ...operation('b', { payload: { text: 'ü "quoted" \\ \n' }, entityIds: ['x', 'y'] }) });
  });

  it('stores an id that comes twice once, and acknowledges it again at the same place', async () => {
    const [once] = (await upload([operation('twice')])).body['results'] as unknown[];
    const again = await upload([operation('twice'), operation('new'), operation('new')]);
    expect((again.body['results'] as unknown[])[0]).toEqual(once);
    expect(await countOperations('twice')).toBe(1);
    expect(await countOperations('new')).toBe(1);
  });

  it('stores an id once when it comes many times in the same moment', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => upload([operation('racing')])));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body['results']))).size).toBe(1);
    expect(await countOperations('racing')).toBe(1);
  });

  it('does not acknowledge an id that another account took', async () => {
    await upload([operation('taken')]);
    expect((await upload([operation('taken')], testToken)).body['results']).toMatchObject([{ opId: 'taken', accepted: false }]);
  });

  it('refuses what is no operation, and stores nothing of the batch', async () => {
    expect((await upload([operation('good'), operation('bad', { opType: 'NONE' })])).status).toBe(400);
    expect((await upload([operation('good'), operation('zero', { payload: { text: '\u0000' } })])).status).toBe(400);
    expect(await countOperations('good')).toBe(0);
    expect((await application.call('POST', '/api/sync/ops', { token, body: '{' })).status).toBe(400);
  });

  it('pages', async () => {
    const page = await application.call('GET', '/api/sync/ops?sinceSeq=0&limit=4', { token });
    expect(page.body['ops']).toHaveLength(4);
    expect(page.body['hasMore']).toBe(true);
  });

  it('removes operations for the test account alone, and leaves no trace of its device', async () => {
    const rows = () => postgres.psql('SELECT (SELECT count(*) FROM operations), (SELECT count(*) FROM sync_devices)');
    const before = await rows();
    await upload([operation('probe')], testToken);
    expect((await application.call('DELETE', '/api/sync/ops/a', { token })).status).toBe(403);
    expect((await application.call('DELETE', '/api/sync/ops/probe', { token: testToken })).status).toBe(200);
    expect((await application.call('DELETE', '/api/sync/ops/probe', { token: testToken })).status).toBe(404);
    expect(await rows()).toBe(before);
  });
});

describe('snapshots', () => {
  it('builds the state from all operations and keeps it gzipped', async () => {
    await upload([operation('s1', { entityId: 'kept' }), operation('s2', { entityId: 'gone' })], testToken);
    await upload([operation('s3', { opType: 'UPD', entityId: 'kept', payload: { done: true } }), operation('s4', { opType: 'DEL', entityId: 'gone' })], testToken);
    const { body } = await application.call('GET', '/api/sync/snapshot', { token: testToken });
    const state = body['state'] as Record<string, Record<string, unknown>>;
    expect(state['NOTE']).toEqual({ kept: { title: 's1', done: true } });
    const stored = await postgres.psql(`SELECT encode(snapshot_data, 'hex') FROM user_sync_state s JOIN users u ON u.id = s.user_id WHERE email = '${testAccount.email}'`);
    expect(JSON.parse(gunzipSync(Buffer.from(stored.trim(), 'hex')).toString())).toEqual(state);
  });

  it('creates a restore point, and gives the state at an earlier place', async () => {
    expect((await application.call('POST', '/api/sync/restore', { token: testToken })).status).toBe(201);
    const earlier = await application.call('POST', '/api/sync/restore', { token: testToken, body: { serverSeq: 10 } });
    expect(earlier.body['serverSeq']).toBe(10);
    expect(earlier.body['state']).not.toHaveProperty('NOTE');
  });
});

describe('maintenance', () => {
  it('refuses users\' writes with the expected completion, and still answers reads and logins', async () => {
    await writeFile(application.maintenanceFile, '2026-11-24T04:00Z\n');
    expect(await upload([operation('refused')])).toEqual({ status: 503, body: { error: 'maintenance', expectedCompletion: '2026-11-24T04:00Z' } });
    expect((await application.call('POST', '/api/sync/ops', { body: {} })).status).toBe(503);
    expect(await countOperations('refused')).toBe(0);
    expect((await application.call('POST', '/api/sync/restore', { token })).status).toBe(503);
    expect((await application.call('GET', '/api/sync/ops', { token })).status).toBe(200);
    await application.login(clientAccount);
  });

  it('lets the test account write, and a user\'s snapshot be read but not kept', async () => {
    await writeFile(application.maintenanceFile, '');
    expect((await upload([operation('allowed')], testToken)).status).toBe(200);
    const kept = () => postgres.psql(`SELECT snapshot_at FROM user_sync_state s JOIN users u ON u.id = s.user_id WHERE email = '${clientAccount.email}'`);
    const before = await kept();
    expect((await application.call('GET', '/api/sync/snapshot', { token })).status).toBe(200);
    expect(await kept()).toBe(before);
  });
});

describe('the database\'s absence', () => {
  it('is answered with 503, logged once, and over when the database is back', async () => {
    expect(application.log.filter((line) => line.startsWith('ERROR'))).toEqual([]);
    await postgres.stop();
    for (let attempt = 1; attempt <= 3; attempt += 1) expect((await application.call('GET', '/health')).status).toBe(503);
    expect((await upload([operation('later')])).status).toBe(503);
    await postgres.start();
    expect((await application.call('GET', '/health')).status).toBe(200);
    expect((await upload([operation('later')])).status).toBe(200);
    expect(application.log.filter((line) => line.startsWith('ERROR'))).toHaveLength(1);
    expect(application.log.at(-1)).toBe('INFO database available again');
  });
});
