import type { IncomingMessage } from 'node:http';

const bodyLimitBytes = 16 * 1024 * 1024;
const opsPerUploadLimit = 1000;

/** An answer that ends a request early: a status and its JSON body. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';

  constructor(
    readonly status: number,
    readonly body: Readonly<Record<string, unknown>> & { readonly error: string },
  ) {
    super(body.error);
  }
}

/** One change that a client made, as it is uploaded. */
export interface UploadedOperation {
  readonly id: string;
  readonly opType: 'CRT' | 'UPD' | 'DEL';
  readonly entityType: string;
  readonly entityId: string;
  readonly entityIds: readonly string[];
  readonly payload: unknown;
  readonly vectorClock: Readonly<Record<string, number>>;
  /** Milliseconds since 1970 on the client's clock. */
  readonly clientTimestamp: number;
}

/** The body of an upload. */
export interface Upload {
  readonly clientId: string;
  readonly ops: readonly UploadedOperation[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a request's body as a JSON object; an empty one is `{}`.
 *
 * @throws {@link RequestRefused} 400 when it is no JSON object, 413 above 16 MiB.
 */
export async function readBody(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > bodyLimitBytes) throw new RequestRefused(413, { error: `the body exceeds ${bodyLimitBytes} bytes` });
    chunks.push(chunk);
  }
  if (sizeBytes === 0) return {};
  return asFields(parseJson(Buffer.concat(chunks).toString('utf8')), 'the body');
}

/**
 * Takes an upload out of a body.
 *
 * @throws {@link RequestRefused} 400 naming the first field that does not fit.
 */
export function parseUpload(body: Fields): Upload {
  const ops = body['ops'];
  if (!Array.isArray(ops) || ops.length === 0 || ops.length > opsPerUploadLimit) {
    throw invalid('ops', `a list of 1 to ${opsPerUploadLimit} operations`);
  }
  return { clientId: textField(body, 'clientId'), ops: ops.map((op: unknown) => parseOperation(asFields(op, 'an operation'))) };
}

/**
 * Takes a text out of a body.
 *
 * @throws {@link RequestRefused} 400 when it is missing, empty, longer than 255 characters or no text.
 */
export function textField(body: Fields, name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value === '' || value.length > 255) throw invalid(name, 'a text of 1 to 255 characters');
  return value;
}

/**
 * Reads a whole number that may be absent, from a query or a body.
 *
 * @throws {@link RequestRefused} 400 when it is not a whole number from 0 to the largest integer of SQL.
 */
export function wholeNumber(name: string, value: unknown, absent: number): number {
  if (value === undefined || value === null) return absent;
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 2_147_483_647) {
    throw invalid(name, 'a whole number from 0 to 2147483647');
  }
  return number;
}

function parseOperation(op: Fields): UploadedOperation {
  const opType = op['opType'];
  if (opType !== 'CRT' && opType !== 'UPD' && opType !== 'DEL') throw invalid('opType', 'CRT, UPD or DEL');
  const clientTimestamp = op['clientTimestamp'];
  if (typeof clientTimestamp !== 'number' || !Number.isSafeInteger(clientTimestamp)) {
    throw invalid('clientTimestamp', 'milliseconds since 1970');
  }
  const entityId = textField(op, 'entityId');
  const entityIds: unknown = op['entityIds'] ?? [entityId];
  if (!Array.isArray(entityIds) || !entityIds.every((id): id is string => typeof id === 'string')) {
    throw invalid('entityIds', 'a list of texts');
  }
  return {
    id: textField(op, 'id'),
    opType,
    entityType: textField(op, 'entityType'),
    entityId,
    entityIds,
    payload: op['payload'] ?? {},
    vectorClock: asFields(op['vectorClock'] ?? {}, 'vectorClock') as Readonly<Record<string, number>>,
    clientTimestamp,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new RequestRefused(400, { error: 'the body is no JSON' });
  }
}

function asFields(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(name, 'a JSON object');
  return value as Fields;
}

function invalid(name: string, expected: string): RequestRefused {
  return new RequestRefused(400, { error: `${name} must be ${expected}` });
}
