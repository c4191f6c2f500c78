import { writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { peopleForView } from '../../../src/cli/people.js';
import { createProgram } from '../../../src/cli/program.js';
import { completePeople } from '../config/people.js';
import { assertRoot, withDirectory } from '../needsRoot.js';
import { fakeSession } from './fakeSession.js';

beforeAll(() => assertRoot('the configuration has to belong to root'));

async function withConfig(people: unknown, use: (config: string) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    await writeFile(`${directory}/lockstep.yaml`, JSON.stringify({ host: 'db1', people }), { mode: 0o640 });
    await use(`${directory}/lockstep.yaml`);
  });
}

test('shows them, and ends well also where something is missing', () =>
  withConfig({ keyHolders: completePeople.keyHolders }, async (config) => {
    const { session, said } = fakeSession();
    await createProgram(session, '0.0.0').parseAsync(['people', '--config', config], { from: 'user' });
    expect(said.join('\n')).toContain('first, Primary Admin');
    expect(said.join('\n')).toContain('no emergency contacts are named');
  }));

test('gives the table for a page', () =>
  withConfig(completePeople, async (config) => {
    const { session, said } = fakeSession();
    await createProgram(session, '0.0.0').parseAsync(['people', '--markdown', '--config', config], { from: 'user' });
    expect(said.join('\n')).toMatch(/^\| Name \| Role \|/);
  }));

test('are known where lockstep.yaml of that host can be read, and nowhere else', () =>
  withConfig(completePeople, async (config) => {
    const { session } = fakeSession();
    expect((await peopleForView(session, { config })).people?.keyHolders).toHaveLength(3);
    expect((await peopleForView(session, { config, host: 'db1' })).people?.keyHolders).toHaveLength(3);
    expect(await peopleForView(session, { config, host: 'db2' })).toEqual({});
    expect(await peopleForView(session, { host: 'db1' })).toEqual({});
    expect(await peopleForView(session, { config: `${config}.none` })).toEqual({});
  }));
