import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { DatabaseError } from 'pg';
import { createTokens, type Identity, type Tokens } from './authentication.js';
import { DatabaseUnavailable, type Database } from './database.js';
import type { Log } from './log.js';
import { readMaintenance } from './maintenance.js';
import { createOperations } from './operations.js';
import { readBody, RequestRefused } from './requests.js';
import { createRoutes, type Answer, type Call, type Route } from './routes.js';
import type { Settings } from './settings.js';
import { createSnapshots } from './snapshots.js';

/** What the application's server is made of. */
export interface ApplicationParts {
  readonly settings: Pick<Settings, 'tokenSecret' | 'maintenanceFile' | 'testAccount'>;
  readonly database: Database;
  readonly log: Log;
}

/**
 * The application's HTTP server, not yet listening. A request that the database's absence prevented is
 * answered with 503 (send it again), one that the application got wrong with 500 and a line at level
 * ERROR; refusals are no errors.
 */
export function createApplication({ settings, database, log }: ApplicationParts): Server {
  const tokens = createTokens({ secret: settings.tokenSecret });
  const routes = createRoutes({
    database,
    operations: createOperations({ database }),
    snapshots: createSnapshots({ database }),
    tokens,
    testAccount: settings.testAccount,
  });
  return createServer((request, response) => {
    answer(request, routes, tokens, settings)
      .catch((error: unknown) => toAnswer(error, log))
      .then((result) => send(response, result))
      .catch((error: unknown) => {
        log('ERROR', `an answer was not sent: ${messageOf(error)}`);
        response.destroy();
      });
  });
}

async function answer(
  request: IncomingMessage,
  routes: readonly Route[],
  tokens: Tokens,
  settings: ApplicationParts['settings'],
): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const here = routes.filter(({ path }) => path.test(url.pathname));
  if (here.length === 0) throw new RequestRefused(404, { error: `there is nothing at ${url.pathname}` });
  const route = here.find(({ method }) => method === request.method);
  if (!route) throw new RequestRefused(405, { error: `${request.method ?? 'this method'} is not allowed at ${url.pathname}` });
  const body = request.method === 'POST' ? await readBody(request) : {};
  return route.answer(createCall({ url, route, body, request, tokens, settings }));
}

function createCall({ url, route, body, request, tokens, settings }: {
  url: URL;
  route: Route;
  body: Call['body'];
  request: IncomingMessage;
  tokens: Tokens;
  settings: ApplicationParts['settings'];
}): Call {
  const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const known = bearer === undefined ? undefined : tokens.read(bearer);
  const identity = (): Identity => {
    if (!known) throw new RequestRefused(401, { error: 'a valid bearer token is needed; log in at /auth/login' });
    return known;
  };
  const maintenance = async () => {
    if (settings.testAccount !== '' && known?.email === settings.testAccount) return { on: false } as const;
    return readMaintenance(settings.maintenanceFile);
  };
  return {
    query: url.searchParams,
    body,
    id: decodeURIComponent(route.path.exec(url.pathname)?.[1] ?? ''),
    identity,
    mayWrite: async () => !(await maintenance()).on,
    assertMayWrite: async () => {
      const now = await maintenance();
      if (now.on) throw new RequestRefused(503, { error: 'maintenance', expectedCompletion: now.expectedCompletion });
    },
  };
}

function toAnswer(error: unknown, log: Log): Answer {
  if (error instanceof RequestRefused) return { status: error.status, body: error.body };
  if (error instanceof DatabaseUnavailable) return { status: 503, body: { error: 'database unavailable' } };
  if (error instanceof URIError) return { status: 400, body: { error: 'the path is not encoded properly' } };
  const sqlState = error instanceof DatabaseError ? (error.code ?? '') : '';
  // Class 22: values that PostgreSQL cannot store, such as a zero character; 23505: an id taken in the same moment.
  if (sqlState.startsWith('22')) return { status: 400, body: { error: 'a value cannot be stored' } };
  if (sqlState === '23505') return { status: 409, body: { error: 'an id was taken in the same moment; send again' } };
  log('ERROR', `a request failed: ${messageOf(error)}`);
  return { status: 500, body: { error: 'internal' } };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(status === 503 ? { 'retry-after': '5' } : {}),
  });
  response.end(text);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
