import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureCondition } from '../../../src/activities/conditions.js';
import { withDirectory } from '../needsRoot.js';
import { createAttempt } from './attempt.js';

/** A host whose Compose starts the database on the encrypted volume, or not, and whose volume is closed. */
async function closedHost(directory: string, environment: string) {
  const deployment = join(directory, 'deployment');
  await mkdir(deployment);
  await writeFile(join(deployment, 'docker-compose.yaml'), '');
  await writeFile(join(deployment, '.env'), environment);
  const looked: string[] = [];
  const cryptsetup = {
    readReencryptionLayers: () => Promise.resolve([]),
    status: () => {
      looked.push('is it open?');
      return Promise.resolve({ active: false });
    },
  };
  return { looked, attempt: createAttempt({ directory, config: { deployment: { directory: deployment } }, tools: { cryptsetup } }) };
}

test('where the database lies on the volume its service is up once that is open: the passphrase is asked for', () =>
  withDirectory(async (directory) => {
    const { attempt, looked } = await closedHost(directory, 'COMPOSE_FILE=docker-compose.yaml:docker-compose.encrypted.yaml\n');
    await expect(ensureCondition('service up', attempt)).rejects.toThrow('the test gave no secret');
    expect(looked).toEqual(['is it open?']);
  }));

test('where it lies elsewhere, or there is none, nothing is opened for it', () =>
  withDirectory(async (directory) => {
    const { attempt, looked } = await closedHost(directory, '');
    await ensureCondition('service up', attempt);
    await ensureCondition('service up', createAttempt({ directory, config: { deployment: { directory: join(directory, 'nowhere') } } }));
    expect(looked).toEqual([]);
  }));

test('a volume whose re-encryption was cut off is closed before it is opened: what waits for the suspended piece is failed first', () =>
  withDirectory(async (directory) => {
    const did: string[] = [];
    const doing = (what: string, answer?: unknown) => () => {
      did.push(what);
      return Promise.resolve(answer);
    };
    let atWork: number | undefined = 4711;
    const cryptsetup = {
      readReencryptionLayers: () => Promise.resolve(['pg-data-encrypted-hotzone-forward', 'pg-data-encrypted-overlay']),
      findReencryptProcess: () => Promise.resolve(atWork),
      ...{ failSuspendedPiece: doing('fail what waits'), close: doing('close'), status: doing('is it open?', { active: false }) },
    };
    const attempt = createAttempt({ directory, config: { deployment: { directory: join(directory, 'nowhere') } }, tools: { cryptsetup, mounts: { unmount: doing('unmount') } } });
    // Somebody's by hand has the same layers, and the database writes through them.
    await expect(ensureCondition('volume open', attempt)).rejects.toThrow('by process 4711');
    expect(did).toEqual([]);
    atWork = undefined;
    await expect(ensureCondition('volume open', attempt)).rejects.toThrow('the test gave no secret');
    expect(did).toEqual(['fail what waits', 'unmount', 'close', 'is it open?']);
    // Nobody's database lies on it.
    expect(attempt.alerts).toEqual([]);
  }));
