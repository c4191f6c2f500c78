import { expect, test } from 'vitest';
import { resolveHost } from '../../../src/cli/session.js';
import { assertRoot } from '../../../src/cli/root.js';
import { fakeSession } from './fakeSession.js';

test('where lockstep.yaml is not at hand, a host can be named instead', async () => {
  const { session } = fakeSession();
  await expect(resolveHost(session, { config: '/no/lockstep.yaml' })).rejects.toThrow(/^\/no\/lockstep.yaml does not exist; .*, or name the host with --host$/);
  await expect(resolveHost(session, { config: '/no/lockstep.yaml', host: 'db2' })).resolves.toBe('db2');
});

test('what acts on the host is refused to everyone but root', () => {
  expect(() => assertRoot('lockstep worker', 1000)).toThrow(expect.objectContaining({ exitCode: 3, message: 'this needs root: sudo lockstep worker' }) as Error);
  expect(() => assertRoot('lockstep worker', 0)).not.toThrow();
});
