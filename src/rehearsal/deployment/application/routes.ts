import { isPassword, type Identity, type Tokens } from './authentication.js';
import { DatabaseUnavailable, type Database } from './database.js';
import type { Operations } from './operations.js';
import { parseUpload, RequestRefused, textField, wholeNumber } from './requests.js';
import type { Snapshots } from './snapshots.js';

const defaultPageOps = 500;
const largestPageOps = 1000;

/** A request, as far as a route needs it. */
export interface Call {
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  /** The last part of the path of a route that ends in an id. */
  readonly id: string;
  /** @throws {@link RequestRefused} 401 without a valid token. */
  identity(): Identity;
  /** Whether this account's writes are taken now. */
  mayWrite(): Promise<boolean>;
  /** @throws {@link RequestRefused} 503 with the expected completion when they are not. */
  assertMayWrite(): Promise<void>;
}

/** A status and a JSON body. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** One endpoint. */
export interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly answer: (call: Call) => Promise<Answer>;
}

/** What the endpoints are made of. */
export interface RouteParts {
  readonly database: Database;
  readonly operations: Operations;
  readonly snapshots: Snapshots;
  readonly tokens: Tokens;
  readonly testAccount: string;
}

/** The plan's endpoints, and the removal of the test account's operations. */
export function createRoutes({ database, operations, snapshots, tokens, testAccount }: RouteParts): readonly Route[] {
  return [
    {
      method: 'GET',
      path: /^\/health$/,
      answer: async () => {
        try {
          await database.query('SELECT 1');
          return { status: 200, body: { status: 'ok', db: 'connected' } };
        } catch (error) {
          if (!(error instanceof DatabaseUnavailable)) throw error;
          return { status: 503, body: { status: 'unavailable', db: 'disconnected' } };
        }
      },
    },
    {
      method: 'POST',
      path: /^\/auth\/login$/,
      answer: async ({ body }) => {
        const email = textField(body, 'email');
        const password = textField(body, 'password');
        const [user] = await database.query<{ id: number; password_hash: string | null }>(
          'SELECT id, password_hash FROM users WHERE email = $1',
          [email],
        );
        if (!user || !(await isPassword(password, user.password_hash ?? ''))) {
          throw new RequestRefused(401, { error: 'email or password is wrong' });
        }
        return { status: 200, body: { token: tokens.issue({ userId: user.id, email }), user: { id: user.id, email } } };
      },
    },
    {
      method: 'POST',
      path: /^\/api\/sync\/ops$/,
      answer: async (call) => {
        // Maintenance is answered before anything else, so that whoever looks from outside can prove it.
        await call.assertMayWrite();
        const { userId } = call.identity();
        return { status: 200, body: await operations.upload(userId, parseUpload(call.body)) };
      },
    },
    {
      method: 'GET',
      path: /^\/api\/sync\/ops$/,
      answer: async (call) => {
        const sinceSeq = wholeNumber('sinceSeq', call.query.get('sinceSeq'), 0);
        const limit = Math.min(wholeNumber('limit', call.query.get('limit'), defaultPageOps), largestPageOps);
        return { status: 200, body: { ...(await operations.list(call.identity().userId, sinceSeq, limit)) } };
      },
    },
    {
      method: 'DELETE',
      path: /^\/api\/sync\/ops\/([^/]+)$/,
      answer: async (call) => {
        const { userId, email } = call.identity();
        if (email !== testAccount) throw new RequestRefused(403, { error: 'only the test account removes operations' });
        const removed = await operations.remove(userId, call.id);
        return { status: removed ? 200 : 404, body: { removed } };
      },
    },
    {
      method: 'GET',
      path: /^\/api\/sync\/snapshot$/,
      answer: async (call) => {
        const { userId } = call.identity();
        const snapshot = await snapshots.build(userId);
        // Reading stays possible during maintenance; keeping what was read would be a write.
        if (await call.mayWrite()) await snapshots.keep(userId, snapshot);
        return { status: 200, body: { ...snapshot } };
      },
    },
    {
      method: 'POST',
      path: /^\/api\/sync\/restore$/,
      answer: async (call) => {
        const { userId } = call.identity();
        const wanted = call.body['serverSeq'];
        if (wanted !== undefined) {
          return { status: 200, body: { ...(await snapshots.build(userId, wholeNumber('serverSeq', wanted, 0))) } };
        }
        await call.assertMayWrite();
        const snapshot = await snapshots.build(userId);
        await snapshots.keep(userId, snapshot);
        return { status: 201, body: { restorePoint: { serverSeq: snapshot.serverSeq } } };
      },
    },
  ];
}
