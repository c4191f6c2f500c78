import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createCompose, type Compose } from '../../../../src/host/docker/compose.js';
import { addComposeFile } from '../../../../src/host/docker/composeFiles.js';
import { serviceOf } from '../../../../src/host/docker/composeConfig.js';
import { renderOverlay, type Overlay } from '../../../../src/host/docker/composeOverlay.js';
import { findCompose } from './dockerCompose.js';

const root = await mkdtemp(join(tmpdir(), 'lockstep-overlay-'));
const run = await findCompose(join(root, 'client'));
afterAll(() => rm(root, { recursive: true }));

const dataTarget = '/var/lib/postgresql/data';
const bindSource = '/mnt/pg-data-encrypted/pg$data';
const password = { variable: 'POSTGRES_PASSWORD', secretName: 'postgres_password', secretFile: './secrets/postgres_password.txt' };
const file = 'docker-compose.encrypted.yaml';

const environments = {
  'a mapping': 'environment: { POSTGRES_USER: supersync, POSTGRES_PASSWORD: "${DB_PASSWORD}" }',
  'a list': 'environment: ["POSTGRES_USER=supersync", "POSTGRES_PASSWORD=${DB_PASSWORD}"]',
  'an env_file': 'env_file: db.env',
};

const base = (environment: string) => `
services:
  postgres:
    image: postgres:15
    container_name: supersync-postgres
    restart: always
    ${environment}
    command: postgres -c log_line_prefix='%m $$'
    healthcheck: { test: [CMD-SHELL, pg_isready], interval: 5s }
    volumes:
      - pg-data:${dataTarget}
      - ./initdb:/docker-entrypoint-initdb.d:ro
      - { type: tmpfs, target: /scratch, tmpfs: { size: 1000000 } }
    secrets: [certificate]
  supersync:
    image: supersync
    restart: always
    deploy: { restart_policy: { condition: any } }
    depends_on: { postgres: { condition: service_healthy } }
  proxy:
    image: caddy
    restart: always
volumes:
  pg-data:
secrets:
  certificate: { file: ./certificate.pem }
`;

describe.each(Object.entries(environments))('with the environment in %s, Compose', (_, environment) => {
  let directory: string;
  let compose: Compose;
  let overlay: Overlay;

  beforeEach(async () => {
    directory = await mkdtemp(join(root, 'project-'));
    await mkdir(join(directory, 'secrets'));
    await writeFile(join(directory, 'docker-compose.yaml'), base(environment));
    await writeFile(join(directory, 'db.env'), 'POSTGRES_USER=supersync\nPOSTGRES_PASSWORD=\'pa$$\'\n');
    await writeFile(join(directory, '.env'), "DB_PASSWORD='pa$$'\n");

    compose = createCompose({ run: (name, args, options) => run(name, args, { ...options, env: { ...options?.env, COMPOSE_FILE: '/no/such/file' } }), projectDirectory: directory });
    overlay = { base: await compose.readConfig(), databaseService: 'postgres', otherServices: ['supersync'], dataTarget, bindSource, password };
  });

  test('reads the base', async () => {
    const postgres = serviceOf(overlay.base, 'postgres');
    expect(postgres).toMatchObject({ containerName: 'supersync-postgres', image: 'postgres:15', restart: 'always', hasHealthCheck: true, secretSources: ['certificate'] });
    expect([...postgres.environmentNames].sort()).toEqual(['POSTGRES_PASSWORD', 'POSTGRES_USER']);
    expect(postgres.mounts.map(({ type, source, isReadOnly }) => [type, source, isReadOnly])).toEqual([
      ['volume', 'pg-data', false],
      ['bind', join(directory, 'initdb'), true],
      ['tmpfs', undefined, false],
    ]);
    expect(JSON.stringify(overlay.base)).not.toContain('pa$');
    expect(await compose.readEnvironmentValue({ service: 'postgres', name: 'POSTGRES_PASSWORD' })).toBe('pa$$');
    expect(await compose.readEnvironmentValue({ service: 'postgres', name: 'NONE' })).toBeUndefined();
  });

  test('merges the overlay that .env selects', async () => {
    await writeFile(join(directory, file), renderOverlay(overlay));
    const environmentText = addComposeFile({ fileNames: ['docker-compose.yaml'], environmentText: "DB_PASSWORD='pa$$'\n", file });
    await writeFile(join(directory, '.env'), environmentText);
    const merged = await compose.readConfig();
    const [before, after] = [serviceOf(overlay.base, 'postgres'), serviceOf(merged, 'postgres')];

    expect(after).toMatchObject({ restart: 'no', image: before.image, containerName: before.containerName, hasHealthCheck: true });
    expect(after.mounts[0]?.definition).toEqual({ type: 'bind', source: bindSource.replace('$', '$$$$'), target: dataTarget, bind: {} });
    expect(after.mounts.slice(1)).toEqual(before.mounts.slice(1));
    expect(after.secretSources).toEqual(['certificate', 'postgres_password']);
    expect(await compose.readEnvironmentValue({ service: 'postgres', name: 'POSTGRES_PASSWORD' })).toBe('');
    expect(await compose.readEnvironmentValue({ service: 'postgres', name: 'POSTGRES_PASSWORD_FILE' })).toBe('/run/secrets/postgres_password');
    expect(await compose.readEnvironmentValue({ service: 'postgres', name: 'POSTGRES_USER' })).toBe('supersync');
    expect(serviceOf(merged, 'supersync')).toMatchObject({ restart: 'no', deployRestartCondition: 'none', dependsOn: ['postgres'] });
    expect(merged.services['proxy']).toEqual(overlay.base.services['proxy']);
  });

  test('gives the same text once the overlay is in force', async () => {
    const text = renderOverlay(overlay);
    await writeFile(join(directory, file), text);
    const merged = await compose.readConfig({ files: ['docker-compose.yaml', file] });
    expect(serviceOf(merged, 'postgres').mounts[0]?.source).toBe(bindSource);
    expect(renderOverlay({ ...overlay, base: await compose.readConfig({ files: ['docker-compose.yaml'] }) })).toBe(text);
  });
});

describe('the overlay', () => {
  const service = { containerName: undefined, image: 'postgres:15', restart: 'always', deployRestartCondition: undefined, environmentNames: [], secretSources: [], dependsOn: [], hasHealthCheck: false };
  const data = { type: 'volume', source: 'pg-data', target: dataTarget, isReadOnly: false, definition: { type: 'volume', source: 'pg-data', target: dataTarget } };
  const project = (mounts: readonly (typeof data)[]) => ({ projectName: 'p', volumes: {}, services: { postgres: { ...service, mounts }, app: { ...service, mounts: [] } } });
  const overlay = { databaseService: 'postgres', otherServices: ['app'], dataTarget, bindSource: '/mnt/v/data' };

  test('reads as one would write it', () => {
    expect(renderOverlay({ ...overlay, base: project([data]), password })).toBe(`\
# Written by Lockstep: moves the database onto the encrypted volume. Selected by COMPOSE_FILE in .env.

services:
  postgres:
    restart: "no"
    environment:
      POSTGRES_PASSWORD: ""
      POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password
    secrets:
      - source: postgres_password
    volumes: !override
      - type: bind
        source: /mnt/v/data
        target: /var/lib/postgresql/data
        bind:
          create_host_path: false
  app:
    restart: "no"
secrets:
  postgres_password:
    file: ./secrets/postgres_password.txt
`);
  });

  test('leaves the environment alone where the password is no matter', () => {
    expect(renderOverlay({ ...overlay, base: project([data]) })).not.toContain('POSTGRES_PASSWORD');
  });

  test('is refused where the database keeps its data elsewhere, or a name is wrong', () => {
    const elsewhere = { ...data, target: '/var/lib/postgresql' };
    expect(() => renderOverlay({ ...overlay, base: project([elsewhere]) })).toThrow('mounts nothing at /var/lib/postgresql/data (it mounts /var/lib/postgresql)');
    expect(() => renderOverlay({ ...overlay, base: project([data]), otherServices: ['web'] })).toThrow('has no service "web" (it has postgres, app)');
  });
});
