import { request as requestByTls } from 'node:https';
import { Readable } from 'node:stream';

/**
 * A fetch that trusts one authority alone, as that of a server of one's own: Node's own fetch takes none.
 *
 * @param ca - The authority's certificate, as PEM.
 */
export function createFetchTrusting(ca: Buffer): typeof fetch {
  return (input, init = {}) => {
    const { method = 'GET', body, signal } = init;
    return new Promise((resolve, reject) => {
      const request = requestByTls(
        new URL(input instanceof Request ? input.url : input),
        { method, ca, headers: Object.fromEntries(new Headers(init.headers)), ...(signal == null ? {} : { signal }) },
        (answer) => {
          const { statusCode: status = 502, headers } = answer;
          const shown = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]);
          resolve(new Response(bodiless.includes(status) ? null : (Readable.toWeb(answer) as ReadableStream), { status, headers: shown }));
          if (bodiless.includes(status)) answer.resume();
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  };
}

/** A Response of these may have no body. */
const bodiless = [101, 204, 205, 304];
