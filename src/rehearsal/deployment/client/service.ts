import { z } from 'zod';
import type { Account } from '../accounts.js';
import type { UploadedOperation } from '../application/requests.js';

const requestTimeoutMilliseconds = 5_000;

const loginSchema = z.object({ token: z.string() });
const uploadSchema = z.object({ results: z.array(z.object({ opId: z.string(), accepted: z.boolean(), error: z.string().optional() })) });
const pageSchema = z.object({
  ops: z.array(
    z.object({
      id: z.string(),
      serverSeq: z.number(),
      clientId: z.string(),
      opType: z.string(),
      entityType: z.string(),
      entityId: z.string(),
      entityIds: z.array(z.string()),
      payload: z.unknown(),
      vectorClock: z.unknown(),
      clientTimestamp: z.number(),
    }),
  ),
  hasMore: z.boolean(),
});

/** An operation as it comes back from the server. */
export type ReceivedOperation = z.infer<typeof pageSchema>['ops'][number];

/** What became of an upload. */
export type UploadOutcome =
  | { readonly kind: 'acknowledged'; readonly ids: readonly string[] }
  /** The server said that it stored nothing. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Stored or not: only sending again tells. */
  | { readonly kind: 'unanswered'; readonly reason: string };

/** The application, as its client sees it. */
export interface Service {
  /** @throws Error when the server finds fault with the request itself, which sending again cannot mend. */
  upload(clientId: string, ops: readonly UploadedOperation[]): Promise<UploadOutcome>;
  /** @throws Error when there is no answer, or none that fits. */
  download(sinceSeq: number): Promise<{ readonly ops: readonly ReceivedOperation[]; readonly hasMore: boolean }>;
}

/** Where the application is, and who speaks to it. */
export interface ServiceOptions {
  /** For example `http://127.0.0.1:1900`. */
  readonly url: string;
  readonly account: Account;
  /** How a request is made; default Node's fetch. */
  readonly fetch?: typeof globalThis.fetch;
}

/** The application behind HTTP; it logs in when it has to, and again when the token is not taken any more. */
export function createService({ url, account, fetch = globalThis.fetch }: ServiceOptions): Service {
  let token: string | undefined;

  const request = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(requestTimeoutMilliseconds),
    });
    return { status: response.status, text: await response.text() };
  };
  const authorised = async (method: string, path: string, body?: unknown) => {
    if (token === undefined) {
      const login = await request('POST', '/auth/login', account);
      if (login.status !== 200) return login;
      token = loginSchema.parse(JSON.parse(login.text)).token;
    }
    const answer = await request(method, path, body);
    if (answer.status === 401) token = undefined;
    return answer;
  };

  return {
    upload: async (clientId, ops) => {
      try {
        const answer = await authorised('POST', '/api/sync/ops', { clientId, ops });
        return toOutcome(answer);
      } catch (error) {
        if (error instanceof RequestFaulty) throw error;
        return { kind: 'unanswered', reason: reasonOf(error) };
      }
    },
    download: async (sinceSeq) => {
      const answer = await authorised('GET', `/api/sync/ops?sinceSeq=${sinceSeq}&limit=1000`);
      if (answer.status !== 200) throw new Error(`the download was answered with status ${answer.status}; see that the application is up`);
      return pageSchema.parse(JSON.parse(answer.text));
    },
  };
}

class RequestFaulty extends Error {
  override readonly name = 'RequestFaulty';
}

function toOutcome({ status, text }: { status: number; text: string }): UploadOutcome {
  if (status === 200) {
    const { results } = uploadSchema.parse(JSON.parse(text));
    const rejected = results.find(({ accepted }) => !accepted);
    if (rejected) throw new RequestFaulty(`operation ${rejected.opId} was rejected: ${rejected.error ?? 'no reason given'}; start with a new journal`);
    return { kind: 'acknowledged', ids: results.map(({ opId }) => opId) };
  }
  // Only the announced refusal proves that nothing was stored: a 503 after a lost COMMIT does not.
  if (status === 503 && text.includes('"maintenance"')) return { kind: 'refused', reason: 'maintenance' };
  if (status === 401 || status === 409 || status === 429 || status >= 500) return { kind: 'unanswered', reason: `status ${status}` };
  throw new RequestFaulty(`the upload was answered with status ${status}: ${text.slice(0, 200)}`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause as { code?: string } | undefined;
  return cause?.code ?? error.message;
}
