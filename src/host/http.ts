/** One request. */
export interface HttpRequest {
  readonly url: string;
  /** Default GET. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, or anything else as JSON with its content type. */
  readonly body?: unknown;
  /** For the whole exchange, the response's body included; default 10. */
  readonly timeoutSeconds?: number;
  /** Where reading the response's body stops; default 1 MiB. */
  readonly maximumBodyBytes?: number;
  readonly signal?: AbortSignal;
}

/** What a server answered, whatever its status. */
export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Whether the body was longer than what `text` holds. */
  readonly isTruncated: boolean;
  /** From the start of the request to the end of its body, connection included where one is made. */
  readonly durationMilliseconds: number;
}

/** @throws {@link HttpFailed} where no complete answer came in time. Redirects are answers and not followed. */
export type Request = (request: HttpRequest) => Promise<HttpResponse>;

/** No answer. The message names the address without its query, since that may hold a token. */
export class HttpFailed extends Error {
  override readonly name = 'HttpFailed';

  constructor(
    readonly address: string,
    readonly how: string,
  ) {
    super(`${address} ${how}`);
  }
}

/** Requests through the given fetch, by default Node's own. */
export function createRequest({ fetch: send = fetch }: { fetch?: typeof fetch } = {}): Request {
  return async (request) => {
    const timeoutSeconds = request.timeoutSeconds ?? 10;
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
    const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout;
    const startedAt = performance.now();
    try {
      const response = await send(request.url, { ...toInit(request), redirect: 'manual', signal });
      const body = await readBounded(response, request.maximumBodyBytes ?? 1024 * 1024);
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        ...body,
        durationMilliseconds: performance.now() - startedAt,
      };
    } catch (error) {
      if (request.signal?.aborted) throw new HttpFailed(addressOf(request.url), 'was cancelled');
      if (timeout.aborted) throw new HttpFailed(addressOf(request.url), `gave no complete answer within ${timeoutSeconds} s`);
      throw new HttpFailed(addressOf(request.url), `could not be reached (${reasonOf(error)})`);
    }
  };
}

/**
 * Reads a response's text as JSON.
 *
 * @returns The value, or undefined where the text is no JSON (an error page of a proxy, for example).
 */
export function readJson(response: HttpResponse): unknown {
  try {
    return JSON.parse(response.text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function toInit({ method, headers, body }: HttpRequest): RequestInit {
  if (body === undefined) return { method: method ?? 'GET', ...(headers ? { headers } : {}) };
  const isText = typeof body === 'string';
  return {
    method: method ?? 'POST',
    headers: { ...(isText ? {} : { 'content-type': 'application/json' }), ...headers },
    body: isText ? body : JSON.stringify(body),
  };
}

async function readBounded(response: Response, maximumBodyBytes: number): Promise<{ text: string; isTruncated: boolean }> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  // Leaving the loop early cancels the rest.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maximumBodyBytes) break;
  }
  const text = Buffer.concat(chunks).subarray(0, maximumBodyBytes).toString('utf8');
  return { text, isTruncated: sizeBytes > maximumBodyBytes };
}

function addressOf(url: string): string {
  if (!URL.canParse(url)) return 'the address';
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** Node hides the reason in the cause, or in the causes of each address that was tried. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.name : 'unknown reason';
}
