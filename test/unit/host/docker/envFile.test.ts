import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { listEnvKeys, readEnvValue, setEnvValue, unsetEnvValue } from '../../../../src/host/docker/envFile.js';
import { findCompose } from './dockerCompose.js';

const directory = await mkdtemp(join(tmpdir(), 'lockstep-env-'));
const compose = await findCompose(join(directory, 'client'));
afterAll(() => rm(directory, { recursive: true }));

const sample = `# database
export DB_USER=supersync # the owner
DB_PASSWORD='it\\'s # secret'

COMPOSE_FILE: "docker-compose.yaml"
MOTTO="two
lines"
INHERITED
DB_USER = later
`;

describe('reading', () => {
  test('knows each form that Compose knows', () => {
    expect(readEnvValue(sample, 'DB_USER')).toBe('later');
    expect(readEnvValue(sample, 'DB_PASSWORD')).toBe("it's # secret");
    expect(readEnvValue(sample, 'COMPOSE_FILE')).toBe('docker-compose.yaml');
    expect(readEnvValue(sample, 'MOTTO')).toBe('two\nlines');
    expect(readEnvValue(sample, 'INHERITED')).toBeUndefined();
    expect(readEnvValue('A=a#b # c', 'A')).toBe('a#b');
    expect(readEnvValue('A= # nothing', 'A')).toBe('');
    expect(readEnvValue('A=one\r\nB=two\r\n', 'A')).toBe('one');
    expect(listEnvKeys(sample)).toEqual(['DB_USER', 'DB_PASSWORD', 'COMPOSE_FILE', 'MOTTO']);
  });

  test('does not guess at values of other variables', () => {
    expect(() => readEnvValue('A=$B', 'A')).toThrow('A in the environment file refers to another variable');
    expect(readEnvValue(String.raw`A="\$B"`, 'A')).toBe('$B');
    expect(readEnvValue("A='$B'", 'A')).toBe('$B');
  });

  test('names the line of what it cannot read, and not its content', () => {
    expect(() => listEnvKeys('A=1\nB="secret')).toThrow('line 2 of the environment file opens a quote that is never closed');
    expect(() => listEnvKeys('A="1" B=2')).toThrow('line 1 of the environment file has text behind the closing quote');
    expect(() => listEnvKeys('=1')).toThrow('line 1 of the environment file is no assignment');
  });
});

describe('changing', () => {
  test('leaves everything else as it was', () => {
    expect(setEnvValue(sample, 'COMPOSE_FILE', 'a.yaml:b.yaml')).toBe(sample.replace('docker-compose.yaml', 'a.yaml:b.yaml'));
    expect(setEnvValue('A=1 # one\nB=2', 'A', '3')).toBe('A=3 # one\nB=2');
    expect(setEnvValue('A=1', 'B', '2')).toBe('A=1\nB=2\n');
    expect(setEnvValue('A=1\r\n', 'B', '2')).toBe('A=1\r\nB=2\r\n');
  });

  test('unsetting removes all assignments of the key, values of several lines included', () => {
    expect(unsetEnvValue('A=1\nB="x\ny" # b\nA=2\n', 'A')).toBe('B="x\ny" # b\n');
    expect(unsetEnvValue('A=1\nB="x\ny" # b\nA=2\n', 'B')).toBe('A=1\nA=2\n');
  });

  const key = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/);
  const value = fc.string({ unit: fc.constantFrom('a', 'b', '9', ' ', '#', "'", '"', '\\', '$', '\n', '\r', '\t', '=', ':', 'é', '{', '}') , maxLength: 12 });
  const text = fc.array(fc.oneof(fc.tuple(key, value), fc.constantFrom('', '# comment', '  # "quote', 'export PLAIN=1 # c')), { maxLength: 8 }).map((lines) =>
    lines.reduce((all: string, line) => (typeof line === 'string' ? `${all}${line}\n` : setEnvValue(all, ...line)), ''),
  );

  test('what is set is read back, and no other key changes', () => {
    fc.assert(
      fc.property(text, key, value, (before, name, wanted) => {
        const after = setEnvValue(before, name, wanted);
        expect(readEnvValue(after, name)).toBe(wanted);
        for (const other of listEnvKeys(before).filter((candidate) => candidate !== name)) {
          expect(readEnvValue(after, other)).toBe(readEnvValue(before, other));
        }
        expect(setEnvValue(after, name, wanted)).toBe(after);
        const without = unsetEnvValue(before, name);
        expect(unsetEnvValue(setEnvValue(without, name, wanted), name)).toBe(without);
      }),
    );
  });

  test('Compose reads the same values', { timeout: 60_000 }, async () => {
    const values = fc.sample(value, 300);
    const names = values.map((_, index) => `VALUE_${index}`);
    const file = names.reduce((all, name, index) => setEnvValue(all, name, values[index] ?? ''), '');
    await writeFile(join(directory, '.env'), file);
    const environment = Object.fromEntries(names.map((name) => [name, `\${${name}}`]));
    await writeFile(join(directory, 'compose.yaml'), JSON.stringify({ services: { a: { image: 'a', environment } } }));
    const config = await compose('docker', ['compose', 'config', '--format', 'json'], { cwd: directory });
    const read = (JSON.parse(config.stdout) as { services: { a: { environment: Record<string, string> } } }).services.a.environment;
    for (const [index, name] of names.entries()) expect([name, read[name]?.replaceAll('$$', '$')]).toEqual([name, values[index]]);
  });
});
