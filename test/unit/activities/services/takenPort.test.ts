import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureApplicationUp } from '../../../../src/activities/services/ensureServices.js';
import { keepFact } from '../../../../src/activities/run/runFacts.js';
import { PortTaken } from '../../../../src/host/docker/compose.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

/** A host whose daemon holds the application's port for nobody until it is restarted. */
async function hostWithTakenPort(directory: string, running: readonly string[]) {
  const did: string[] = [];
  await writeFile(join(directory, 'docker-compose.yaml'), 'services: {}\n');
  const up = new Set(running);
  let isTaken = true;
  const attempt = createAttempt({
    directory,
    config: { deployment: { directory } },
    tools: {
      compose: () => ({
        up: ({ services: [service = ''] }: { services: string[] }) => {
          did.push(`up ${service}`);
          if (isTaken) return Promise.reject(new PortTaken('127.0.0.1:1900', {}));
          up.add(service === 'postgres' ? 'database' : 'application');
          return Promise.resolve();
        },
        stop: ({ services: [service = ''] }: { services: string[] }) => {
          did.push(`stop ${service}`);
          up.delete('database');
          return Promise.resolve();
        },
      }),
      docker: {
        readRunning: () => Promise.resolve([...up]),
        readContainer: (name: string) => Promise.resolve({ state: 'running', isRunning: up.has(name), ...(up.has(name) ? { processId: process.pid } : {}) }),
        restartDaemon: () => {
          did.push(`restart with ${[...up].join(', ')}`);
          isTaken = false;
          return Promise.resolve();
        },
      },
      postgres: { isReady: () => Promise.resolve(true) },
      request: () => Promise.resolve({ status: 200 }),
    },
  });
  await keepFact(attempt, 'source', { container: 'database', applicationContainer: 'application', root: directory, directory });
  return { attempt, did };
}

test('a port that Docker holds for nobody since a power cut is freed by a restart of the daemon, with the database stopped in its own time before', () =>
  withDirectory(async (directory) => {
    const { attempt, did } = await hostWithTakenPort(directory, ['database']);
    await ensureApplicationUp(attempt);
    expect(did).toEqual(['up supersync', 'stop postgres', 'restart with ', 'up postgres', 'up supersync']);
    expect(attempt.entries).toMatchObject([{ kind: 'note', text: expect.stringContaining('it holds 127.0.0.1:1900') as unknown }]);
  }));

test('where containers of others run, a person looks who has the port, and restarts the daemon', () =>
  withDirectory(async (directory) => {
    const { attempt, did } = await hostWithTakenPort(directory, ['database', 'shop']);
    await expect(ensureApplicationUp(attempt)).rejects.toThrow(/another container has 127\.0\.0\.1:1900; besides this deployment there run shop.*systemctl restart docker/s);
    expect(did).toEqual(['up supersync']);
  }));

test('an application that starts on the encrypted volume sets the mark first, whoever had it started; on the old one there is none', () =>
  withDirectory(async (directory) => {
    const { attempt } = await hostWithTakenPort(directory, ['database']);
    await ensureApplicationUp(attempt);
    const marks = () => attempt.entries.filter(({ kind }) => kind === 'mark').length;
    expect(marks()).toBe(0);
    await writeFile(join(directory, '.env'), 'COMPOSE_FILE=docker-compose.yaml:docker-compose.encrypted.yaml\n');
    await ensureApplicationUp(attempt);
    await ensureApplicationUp(attempt);
    expect(marks()).toBe(1);
  }));
