import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.js';
import { findGapsInPeople } from '../../../src/config/peopleGaps.js';
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
    const { maintenance, verification, volume, deployment, people, signatures, ...rest } = parseConfig(sample.replace(/^( *)#(?=\w)/gm, '$1'), 'sample');
    const defaults = configSchema.parse({ host: 'db1' });
    expect({ ...defaults, ...rest }).toEqual(defaults);
    expect(signatures).toEqual({ allowedSigners: '/etc/lockstep/allowed_signers' });
    expect(volume).toEqual({ ...defaults.volume, device: '/dev/vg0/pg-data' });
    expect(deployment).toEqual({ ...defaults.deployment, application: { ...defaults.deployment.application, publicUrl: 'https://sync.example.com' } });
    expect(maintenance).toEqual({
      ...defaults.maintenance,
      window: { opensAt: '2026-01-31T22:00:00+01:00', expectedMinutes: 180 },
    });
    expect(Object.keys(people.places)).toEqual(['operational', 'recovery', 'recoveryCopy', 'backup', 'testAccount']);
    expect(verification).toEqual({
      ...defaults.verification,
      testAccount: { email: 'lockstep@example.com', password: 'file:/etc/lockstep/test-account.password' },
    });
  });

  it('shows every alternative in a form that is right', () => {
    const alternatives = [...sample.matchAll(/^ *# or: (.*)$/gm)].map(([, line]) => line);
    expect(alternatives).toHaveLength(8);
    for (const line of alternatives) {
      const text = line?.startsWith('mode') ? `maintenance: {${line}}` : line?.startsWith('password') ? `verification: {testAccount: {email: a@b, ${line}}}` : `secrets: {${line ?? ''}}`;
      parseConfig(`host: db1\n${text}\n`, 'sample');
    }
  });

  it('shows lists filled in, in a form that is right and has no gaps with the places', () => {
    const filled = [...sample.matchAll(/^ *# for example:\n((?: *# {3}.*\n)+)/gm)].map(([, lines = '']) => lines.replaceAll(/^ *# {3}/gm, '  '));
    expect(filled).toHaveLength(2);
    const places = sample.slice(sample.indexOf('  places:'), sample.indexOf('\nbackup:')).replace(/^( *)#(?=\w)/gm, '$1');
    const { people } = parseConfig(`host: db1\npeople:\n${filled.join('')}${places}`, 'sample');
    expect(people.keyHolders).toHaveLength(3);
    expect(findGapsInPeople(people)).toEqual([]);
  });

  it('shows every kind of channel for alerts in a form that is right', () => {
    const [, entries = ''] = /^ *# such as:\n((?: *# .*\n)+)/m.exec(sample.slice(sample.indexOf('\nalerts:'))) ?? [];
    const { alerts } = parseConfig(`host: db1\nalerts:\n  channels:\n${entries.replaceAll(/^ *#/gm, '   ')}`, 'sample');
    expect(alerts.channels.map(({ kind }) => kind)).toEqual(['smtp', 'webhook', 'command']);
  });

  it('names every key of the schema', () => {
    for (const path of pathsOf(configSchema)) expect(sample).toMatch(new RegExp(String.raw`[ #{]${path.at(-1) ?? ''}:|^${path.at(-1) ?? ''}:`, 'm'));
  });
});
