import { isUtf8 } from 'node:buffer';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { SecretVault } from '../activities/index.js';
import { findSecretFault } from '../contract/secretRules.js';
import { ensureDirectory } from '../host/files/ensureDirectory.js';

/** What `lockstep unlock` sends: one line of JSON. */
export const secretRequestSchema = z.strictObject({
  /** The opening of the question that asks for it. */
  question: z.string().min(1).max(200),
  /** The secret's name in lockstep.yaml. */
  secret: z.string().regex(/^[A-Za-z]{1,60}$/),
  /** By the rule for every secret: tools read it from their standard input, where a line ends it. */
  value: z.string().superRefine((value, context) => {
    const fault = findSecretFault(value);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  }),
  by: z.string().min(1).max(200),
  /** Where the terminal is reached from, as SSH claims. */
  from: z.string().max(200).optional(),
  /** The run that asks; default the one that holds the host. */
  workflowId: z.string().min(1).max(200).optional(),
});

/** Such a line, parsed; it holds a secret in the clear, and is never logged. */
export type SecretRequest = Readonly<z.infer<typeof secretRequestSchema>>;

/** The answer: one line of JSON. */
export type SecretAnswer = { readonly ok: true } | { readonly ok: false; readonly error: string };

/** What the socket hands secrets to. */
export interface SecretSocketDependencies {
  readonly path: string;
  readonly vault: Pick<SecretVault, 'give'>;
  /** Fails, with what a person is told, where that run may not be given anything now. */
  readonly assertMayTake: (workflowId: string | undefined) => Promise<void>;
  /** Tells the run that asks. */
  readonly onGiven: (question: string, by: string, workflowId: string | undefined) => Promise<void>;
}

/** Largest request; a passphrase of 512 bytes, escaped, and its names. */
const longestRequestBytes = 8192;
const patienceMilliseconds = 10_000;

/**
 * Listens on a Unix socket that only root can connect to. The secret goes to the vault and nowhere
 * else: no error quotes what was sent, and the buffers that carried it are overwritten.
 *
 * The caller holds the host's lock, so a socket that exists was left by a dead worker.
 */
export async function listenForSecrets(dependencies: SecretSocketDependencies): Promise<{ readonly close: () => Promise<void> }> {
  // On a host where nothing has run yet, there is no place for it.
  await ensureDirectory(dirname(dependencies.path), 0o700);
  await rm(dependencies.path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(socket, dependencies));
  await listen(server, dependencies.path);
  return {
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function listen(server: Server, path: string): Promise<void> {
  // bind() makes the file with the process's mask: there is no moment at which others can connect.
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(before);
  }
  await chmod(path, 0o600);
}

function serve(socket: Socket, dependencies: SecretSocketDependencies): void {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  let taken = false;
  let answered = false;
  const answer = (given: SecretAnswer): void => {
    if (answered) return;
    answered = true;
    for (const chunk of chunks) chunk.fill(0);
    socket.end(`${JSON.stringify(given)}\n`);
  };
  // A client that goes away takes its answer with it, and nothing else.
  socket.on('error', () => answer({ ok: false, error: 'the connection broke' }));
  socket.setTimeout(patienceMilliseconds, () => answer({ ok: false, error: 'nothing was sent for 10 s' }));
  // A client may close its side as soon as it has sent the line; its answer comes all the same.
  socket.on('end', () => {
    if (!taken) answer({ ok: false, error: 'the request is not one line of JSON' });
  });
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (answered || taken) {
      chunk.fill(0);
    } else if (sizeBytes > longestRequestBytes) {
      answer({ ok: false, error: `the request is longer than ${longestRequestBytes} bytes` });
    } else if (chunk.includes(0x0a)) {
      taken = true;
      socket.setTimeout(0);
      void take(chunks, dependencies).then(answer);
    }
  });
}

async function take(chunks: readonly Buffer[], { vault, assertMayTake, onGiven }: SecretSocketDependencies): Promise<SecretAnswer> {
  const parsed = parse(chunks);
  if ('fault' in parsed) return { ok: false, error: parsed.fault };
  const { question, secret, value, by, from, workflowId } = parsed;
  try {
    // What is in the vault already belongs to the run that has the host.
    await assertMayTake(workflowId);
    vault.give(secret, { value: Buffer.from(value), question, by, ...(from === undefined ? {} : { from }) });
    await onGiven(question, by, workflowId);
    return { ok: true };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

function parse(chunks: readonly Buffer[]): SecretRequest | { readonly fault: string } {
  const all = Buffer.concat(chunks);
  try {
    // What is no UTF-8 would become another secret, and nobody would see which.
    if (!isUtf8(all)) return malformed;
    const parsed = secretRequestSchema.safeParse(JSON.parse(all.toString('utf8')));
    if (parsed.success) return parsed.data;
    const [issue, ...more] = parsed.error.issues;
    return issue?.code === 'custom' && more.length === 0 ? { fault: `the secret ${issue.message}` } : malformed;
  } catch {
    // The parser's message would quote what was sent.
    return malformed;
  } finally {
    all.fill(0);
  }
}

const malformed = { fault: 'the request does not have the form that "lockstep unlock" sends' };
