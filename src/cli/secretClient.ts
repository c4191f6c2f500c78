import { connect } from 'node:net';
import { z } from 'zod';
import type { SecretAnswer, SecretRequest } from '../worker/secretSocket.js';
import { noAnswer, refused } from './exit.js';

const answerSchema = z.union([z.strictObject({ ok: z.literal(true) }), z.strictObject({ ok: z.literal(false), error: z.string() })]);

/**
 * Hands a secret to the worker of this host.
 *
 * @param path - The worker's socket.
 * @throws CommandEnded where nobody listens, root is needed, or the worker refused it.
 */
export async function giveSecret(path: string, request: SecretRequest): Promise<void> {
  const answer = await exchange(path, `${JSON.stringify(request)}\n`).catch((error: unknown) => {
    throw explain(path, error);
  });
  if (!answer.ok) throw refused(`the worker did not take it: ${answer.error}`);
}

function exchange(path: string, line: string): Promise<SecretAnswer> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(line);
    const socket = connect(path, () => socket.write(bytes, () => bytes.fill(0)));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (answer += text));
    socket.on('error', reject);
    socket.on('close', () => {
      const parsed = answerSchema.safeParse(readJson(answer));
      if (parsed.success) resolve(parsed.data);
      else reject(new Error('the worker closed the connection without an answer'));
    });
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A torn answer is no answer; the caller says so.
    return undefined;
  }
}

function explain(path: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') return refused(`only root may hand secrets to the worker (${path}); use sudo`);
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return noAnswer(`no worker listens at ${path}; secrets are typed on the host itself, while its worker runs`);
  }
  return error instanceof Error ? error : new Error(String(error));
}
