import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.js';
import { renderSample } from '../../../src/config/sample.js';
import { configSchema } from '../../../src/config/schema.js';
import { pathsOf } from '../../../src/config/schemaTree.js';

const sample = renderSample();

describe('the sample of lockstep.yaml', () => {
  it('is the one in docs', async () => {
    expect(await readFile(new URL('../../../docs/lockstep.sample.yaml', import.meta.url), 'utf8')).toBe(sample);
  });

  it('changes nothing but the host as it stands', () => {
    expect(parseConfig(sample, 'sample')).toEqual(configSchema.parse({ host: 'db1' }));
  });

  it('is right in every line, with every # taken away', () => {
    const { maintenance, verification, volume, deployment, ...rest } = parseConfig(sample.replace(/^( *)#(?=\w)/gm, '$1'), 'sample');
    const defaults = configSchema.parse({ host: 'db1' });
    expect({ ...defaults, ...rest }).toEqual(defaults);
    expect(volume).toEqual({ ...defaults.volume, device: '/dev/vg0/pg-data' });
    expect(deployment).toEqual({ ...defaults.deployment, application: { ...defaults.deployment.application, publicUrl: 'https://sync.example.com' } });
    expect(maintenance).toEqual({
      ...defaults.maintenance,
      window: { opensAt: '2026-01-31T22:00:00+01:00', expectedMinutes: 180 },
    });
    expect(verification).toEqual({
      ...defaults.verification,
      testAccount: { email: 'lockstep@example.com', password: 'file:/etc/lockstep/test-account.password' },
    });
  });

  it('shows every alternative in a form that is right', () => {
    const alternatives = [...sample.matchAll(/^ *# or: (.*)$/gm)].map(([, line]) => line);
    expect(alternatives).toHaveLength(2);
    for (const line of alternatives) parseConfig(`host: db1\nmaintenance:\n  ${line ?? ''}\n`, 'sample');
  });

  it('names every key of the schema', () => {
    for (const path of pathsOf(configSchema)) expect(sample).toMatch(new RegExp(String.raw`[ #{]${path.at(-1) ?? ''}:|^${path.at(-1) ?? ''}:`, 'm'));
  });
});
