import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { deploymentFiles, ensureDeploymentFiles } from '../../../../src/rehearsal/deployment/files.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-files-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const secrets = { databasePassword: 'database-password', tokenSecret: 'token-secret' };

describe('deploymentFiles', () => {
  it('keeps the secrets out of the compose file', () => {
    const [compose, environment] = deploymentFiles(secrets);
    expect(compose?.content).not.toContain(secrets.databasePassword);
    expect(compose?.content).not.toContain(secrets.tokenSecret);
    expect(environment).toEqual({ path: '.env', content: 'POSTGRES_PASSWORD=database-password\nTOKEN_SECRET=token-secret\n', mode: 0o600 });
  });

  it('has the plan\'s names, restart policies and volume', () => {
    const compose = parse(deploymentFiles(secrets)[0]?.content ?? '') as Record<string, Record<string, unknown>>;
    expect(compose).toMatchObject({
      name: 'supersync',
      services: {
        postgres: { container_name: 'supersync-postgres', image: 'postgres:15', restart: 'always', volumes: ['pg-data:/var/lib/postgresql/data'] },
        supersync: { container_name: 'supersync-server', restart: 'always', ports: ['127.0.0.1:1900:1900'] },
      },
      volumes: { 'pg-data': {} },
    });
  });
});

describe('ensureDeploymentFiles', () => {
  it('writes the directory, with a password that only its owner reads', async () => {
    expect(await ensureDeploymentFiles({ directory })).toEqual({ directory, changed: true });
    expect((await stat(join(directory, '.env'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'maintenance'))).isDirectory()).toBe(true);
  });

  it('keeps the password that the database was initialised with', async () => {
    await ensureDeploymentFiles({ directory });
    const environment = await readFile(join(directory, '.env'), 'utf8');
    await writeFile(join(directory, 'docker-compose.yaml'), 'changed');
    expect(await ensureDeploymentFiles({ directory })).toEqual({ directory, changed: true });
    expect(await readFile(join(directory, '.env'), 'utf8')).toBe(environment);
    expect(await ensureDeploymentFiles({ directory })).toEqual({ directory, changed: false });
  });
});
