import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GivenSecret } from '../../../src/activities/wrapper/secretVault.js';
import { typedTraps } from '../newlineTraps.js';
import { listenForSecrets } from '../../../src/worker/secretSocket.js';

let directory: string;
let path: string;
let close: () => Promise<void>;
let given: { name: string; secret: GivenSecret }[];
let told: string[];
let refusal: Error | undefined;
let mayTake: (workflowId: string | undefined) => Promise<void>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-secrets-'));
  path = join(directory, 'secrets.sock');
  given = [];
  told = [];
  refusal = undefined;
  mayTake = () => Promise.resolve();
  ({ close } = await listenForSecrets({
    path,
    vault: { give: (name, secret) => void given.push({ name, secret }) },
    assertMayTake: (workflowId) => mayTake(workflowId),
    onGiven: (question, by) => {
      told.push(`${question} by ${by}`);
      return refusal === undefined ? Promise.resolve() : Promise.reject(refusal);
    },
  }));
});
afterEach(async () => {
  await close();
  await rm(directory, { recursive: true });
});

function send(...parts: readonly (string | Buffer)[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      for (const part of parts) socket.write(part);
    });
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(JSON.parse(answer)));
  });
}

const request = { question: 'format.secret.1', secret: 'operationalPassphrase', value: 'corréct horse', by: 'ann' };

test('only its owner can connect', async () => {
  expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600');
});

test('one for a run that has not the host now reaches no vault, where the run that has it would take it', async () => {
  mayTake = (workflowId) => Promise.reject(new Error(`${workflowId ?? 'nobody'} waits`));
  await expect(send(`${JSON.stringify({ ...request, workflowId: 'db-1/migrate' })}\n`)).resolves.toEqual({ ok: false, error: 'db-1/migrate waits' });
  expect([given, told]).toEqual([[], []]);
});

test('a secret reaches the vault before the run is told, even when it arrives in pieces', async () => {
  const line = `${JSON.stringify(request)}\n`;
  await expect(send(line.slice(0, 30), line.slice(30))).resolves.toEqual({ ok: true });
  expect(given).toEqual([
    { name: 'operationalPassphrase', secret: { value: Buffer.from('corréct horse'), question: 'format.secret.1', by: 'ann' } },
  ]);
  expect(told).toEqual(['format.secret.1 by ann']);
});

test.each([
  ['no JSON', 'operationalPassphrase=hunter2\n'],
  ['a field too many', `${JSON.stringify({ ...request, command: 'rm' })}\n`],
  ['a value that ends a line', `${JSON.stringify({ ...request, value: 'hunter2\nhunter3' })}\n`],
  ['an empty value', `${JSON.stringify({ ...request, value: '' })}\n`],
  ['a path as a name', `${JSON.stringify({ ...request, secret: '../etc' })}\n`],
])('%s is refused in words that quote nothing of it', async (_, line) => {
  const answer = await send(line);
  expect(answer).toMatchObject({ ok: false });
  expect(JSON.stringify(answer)).not.toContain('hunter2');
  expect(given).toEqual([]);
  expect(told).toEqual([]);
});

test.each(typedTraps)('a secret with %s arrives byte for byte, or is refused with the reason', async (_, value, becomes) => {
  const answer = await send(`${JSON.stringify({ ...request, value })}\n`);
  if (typeof becomes === 'string') {
    expect(answer).toEqual({ ok: false, error: `the secret ${becomes}` });
    expect(given).toEqual([]);
  } else {
    expect(answer).toEqual({ ok: true });
    expect(given.map(({ secret }) => secret.value)).toEqual([Buffer.from(becomes)]);
  }
});

test('what is no UTF-8 is refused, and not taken for what it would be turned into', async () => {
  const line = Buffer.from(`${JSON.stringify({ ...request, value: 'x' })}\n`);
  line[line.indexOf('"x"') + 1] = 0xff;
  await expect(send(line)).resolves.toMatchObject({ ok: false });
  expect(given).toEqual([]);
});

test('half a character, which JSON can carry and UTF-8 cannot, is refused with the reason', async () => {
  await expect(send(`${JSON.stringify({ ...request, value: 'hunter2\ud800' })}\n`)).resolves.toEqual({ ok: false, error: 'the secret has half a character in it, which no encoding can write' });
  expect(given).toEqual([]);
});

test('a client that closes its side after the line gets its answer', async () => {
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(path, () => socket.end(`${JSON.stringify(request)}\n`));
    let said = '';
    socket.on('data', (chunk) => (said += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(said));
  });
  expect(JSON.parse(answer)).toEqual({ ok: true });
});

test('more than a passphrase can need is refused', async () => {
  await expect(send('x'.repeat(9000))).resolves.toEqual({ ok: false, error: 'the request is longer than 8192 bytes' });
});

test('a run that cannot be told is told to the person', async () => {
  refusal = new Error('no run holds this host');
  await expect(send(`${JSON.stringify(request)}\n`)).resolves.toEqual({ ok: false, error: 'no run holds this host' });
});
