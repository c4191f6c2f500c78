import { writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createOutbox } from '../../../src/activities/index.js';
import { createProgram } from '../../../src/cli/program.js';
import { undeliveredAlerts } from '../../../src/cli/undeliveredAlerts.js';
import { createConfigReader } from '../../../src/config/load.js';
import { createAlertDelivery } from '../../../src/worker/alertDelivery.js';
import { startWebhookSink } from '../../alertSinks.js';
import { alertWith } from '../activities/alerts/alerts.js';
import { assertRoot, withDirectory } from '../needsRoot.js';
import { fakeSession } from './fakeSession.js';

beforeAll(() => assertRoot('the configuration has to belong to root'));

/** Writes a lockstep.yaml, and types a command on its host. */
async function typeOn(directory: string, alerts: string, ...args: readonly string[]) {
  const path = `${directory}/lockstep.yaml`;
  await writeFile(path, `host: db1\nstateDirectory: ${directory}/state\nalerts: ${alerts}\n`, { mode: 0o600 });
  const { session, said } = fakeSession();
  const end = await createProgram(session, '0.0.0')
    .parseAsync(['alerts', '--config', path, ...args], { from: 'user' })
    .then(() => undefined, (error: unknown) => error);
  return { said, end, path };
}

/** The worker's part, for as long as a test needs it. */
async function whileDelivering(path: string, use: () => Promise<void>): Promise<void> {
  const loadConfig = createConfigReader(path);
  const { config } = await loadConfig();
  const ending = new AbortController();
  const delivery = createAlertDelivery({ config, loadConfig, log: pino({ level: 'silent' }), intervalSeconds: 0.1 }).deliver(ending.signal);
  try {
    await use();
  } finally {
    ending.abort();
    await delivery;
  }
}

describe('lockstep alerts', () => {
  it('shows what waits', () =>
    withDirectory(async (directory) => {
      await createOutbox(`${directory}/state`).raise(alertWith('a'));
      const { said } = await typeOn(directory, '{channels: [{kind: command, command: ["true"]}]}');
      expect(said.join('\n')).toContain('✖ command (true): 1 alert has not got out; nothing was tried yet\n\nNot got out\n');
      const { said: json } = await typeOn(directory, '{channels: [{kind: command, command: ["true"]}]}', '--json');
      expect(JSON.parse(json.join('\n'))).toMatchObject({ channels: ['command (true)'], entries: [{ alert: { id: 'a' } }], damaged: [] });
    }));

  it('takes what was given up for read, of that alone, and says so once', () =>
    withDirectory(async (directory) => {
      const outbox = createOutbox(`${directory}/state`);
      for (const id of ['lost', 'waits']) await outbox.raise(alertWith(id));
      await outbox.change('lost', (entry) => ({ ...entry, channels: { mail: { attempts: 10, givenUpAt: '2026-11-08T20:00:00.000Z' } }, settled: { at: '2026-11-08T20:00:00.000Z', how: 'given up' } }));
      const { said } = await typeOn(directory, '{}', '--acknowledge');
      expect(said).toEqual(['✔ 2026-11-01 20:00 UTC: lost is parked', '1 alert was given up, and read by ann now.']);
      const { entries } = await createOutbox(`${directory}/state`).read();
      expect(entries.map(({ alert, acknowledged }) => [alert.id, acknowledged?.by])).toEqual([['lost', 'ann'], ['waits', undefined]]);
      expect((await typeOn(directory, '{}', '--acknowledge')).said).toEqual(['No alert was given up, or all of them were read.']);
    }));

  it('is for root', async () => {
    const { session } = fakeSession();
    const getuid = vi.spyOn(process, 'getuid').mockReturnValue(1000);
    try {
      await expect(createProgram(session, '0.0.0').parseAsync(['alerts', '--test'], { from: 'user' })).rejects.toMatchObject({ exitCode: 3, message: 'this needs root: sudo lockstep alerts --test' });
    } finally {
      getuid.mockRestore();
    }
  });

  it('tests nothing where no channel is named', () =>
    withDirectory(async (directory) => {
      const { end } = await typeOn(directory, '{}', '--test');
      expect(end).toMatchObject({ exitCode: 1, message: expect.stringContaining('lockstep.yaml names no channel for alerts') as unknown });
    }));

  it('tells of each channel whether a test got out, with the mildest alert that all of them are for', () =>
    withDirectory(async (directory) => {
      const web = await startWebhookSink();
      const alerts = `{channels: [{kind: webhook, url: "${web.url}", only: [warning, critical]}, {kind: command, command: ["true"]}]}`;
      const { path } = await typeOn(directory, alerts);
      await whileDelivering(path, async () => {
        const { said, end } = await typeOn(directory, alerts, '--test');
        expect(end).toBeUndefined();
        expect(said[0]).toBe('waiting up to 30 s for the worker to send a test alert (warning)');
        expect(said.slice(1).toSorted()).toEqual([expect.stringMatching(/^✔ command \(true\): taken after/), expect.stringMatching(/^✔ webhook \(127\.0\.0\.1:\d+\): taken after/)]);
      });
      expect(web.requests).toMatchObject([{ body: { severity: 'warning', host: 'db1', text: expect.stringContaining('ann typed') as unknown } }]);
      await web.close();
    }));

  it('says what a channel lacks, and forgets the test', () =>
    withDirectory(async (directory) => {
      const alerts = '{channels: [{kind: command, command: ["false"]}, {kind: command, command: ["true"], only: [info]}, {kind: command, command: ["true"], only: [critical]}]}';
      const { path } = await typeOn(directory, alerts);
      await whileDelivering(path, async () => {
        const { said, end } = await typeOn(directory, alerts, '--test');
        expect(end).toMatchObject({ exitCode: 1, message: expect.stringContaining('the test alert did not get out everywhere') as unknown });
        expect(said).toContain('– command (true): is not for critical alerts; not tried');
        expect(said).toContain('✖ command (false): false exited with status 1');
      });
      expect((await createOutbox(`${directory}/state`).read()).entries).toEqual([]);
    }));
});

describe('the end of a status', () => {
  it('is told where this is the host, and whatever lockstep.yaml is like', () =>
    withDirectory(async (directory) => {
      await createOutbox(`${directory}/state`).raise(alertWith('a'));
      const { path } = await typeOn(directory, '{channels: [{kind: command, command: ["true"]}]}');
      const { session } = fakeSession();
      expect((await undeliveredAlerts(session, 'db1', { config: path })).join(' ')).toContain('1 alert has not reached command (true): nothing was tried since');
      expect(await undeliveredAlerts(session, 'db2', { config: path })).toEqual([]);
      expect(await undeliveredAlerts(session, 'db1', { config: `${directory}/none.yaml` })).toEqual([]);
      await typeOn(directory, '{chanels: []}');
      expect((await undeliveredAlerts(session, 'db1', { config: path })).join(' ')).toContain('Whether alerts got out is not known:');
    }));
});
