import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.js';
import type { Config } from '../../../src/config/schema.js';
import { createOutbox } from '../../../src/activities/index.js';
import { createAlertDelivery } from '../../../src/worker/alertDelivery.js';
import { startMailSink, startWebhookSink } from '../../alertSinks.js';
import { alertWith } from '../activities/alerts/alerts.js';
import { withDirectory } from '../needsRoot.js';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

interface Logged {
  readonly level: number;
  readonly msg: string;
  readonly failure?: string;
  readonly reason?: string;
}

/** A delivery over a lockstep.yaml that the test rewrites, until the test has ended. */
function start(directory: string, first: string, intervalSeconds = 0.05) {
  let text = first;
  const read = (): Config => parseConfig(`host: h1\nstateDirectory: ${directory}\n${text}`, 'lockstep.yaml');
  const lines: Logged[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      lines.push(JSON.parse(chunk.toString()) as Logged);
      done();
    },
  });
  const delivery = createAlertDelivery({ config: read(), loadConfig: () => new Promise((resolve) => resolve({ config: read() })), log: pino(stream), intervalSeconds });
  const ending = new AbortController();
  const ended = delivery.deliver(ending.signal);
  const end = async (): Promise<void> => {
    ending.abort();
    await ended;
  };
  closing.push(end);
  return { delivery, lines, end, write: (changed: string) => void (text = changed) };
}

const mailTo = (port: number) => `{kind: smtp, host: 127.0.0.1, port: ${port}, security: none, from: lockstep@example.org, to: [ops@example.org]}`;

describe('the worker', () => {
  it('sends at once what is raised in it, through every channel', () =>
    withDirectory(async (directory) => {
      const [mail, web] = [await startMailSink(), await startWebhookSink()];
      closing.push(mail.close, web.close);
      // Nothing comes of waiting for the next look.
      const { delivery, lines, end } = start(directory, `alerts: {channels: [${mailTo(mail.port)}, {kind: webhook, url: "${web.url}"}, {kind: command, command: [tee, ${directory}/alert.json]}]}`, 3600);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await delivery.raise(alertWith('a'));
      await expect.poll(() => lines.filter(({ msg }) => msg === 'an alert got out').length).toBe(3);
      expect(mail.mails[0]?.headers.get('subject')).toBe('[h1] critical: a is parked');
      expect(web.requests[0]?.body).toEqual(alertWith('a'));
      expect(lines.find(({ msg }) => msg === 'a is parked')?.level).toBe(50);
      await end();
    }));

  it('finds what another process has raised, and what was raised before it started', () =>
    withDirectory(async (directory) => {
      const mail = await startMailSink();
      closing.push(mail.close);
      await createOutbox(directory).raise(alertWith('before'));
      const { end } = start(directory, `alerts: {channels: [${mailTo(mail.port)}]}`);
      await expect.poll(() => mail.mails.length).toBe(1);
      await createOutbox(directory).raise(alertWith('beside'));
      await expect.poll(() => mail.mails.length).toBe(2);
      await end();
    }));

  it('goes on while lockstep.yaml is broken, says so once, and takes what it says when it is mended', () =>
    withDirectory(async (directory) => {
      const [mail, other] = [await startMailSink(), await startMailSink()];
      closing.push(mail.close, other.close);
      const { delivery, lines, write, end } = start(directory, `alerts: {channels: [${mailTo(mail.port)}]}`);
      write('alerts: {chanels: []}');
      await expect.poll(() => lines.find(({ msg }) => msg.startsWith('lockstep.yaml can not be used'))?.failure).toContain('did you mean alerts.channels?');
      await delivery.raise(alertWith('a'));
      await expect.poll(() => mail.mails.length).toBe(1);
      write(`alerts: {channels: [${mailTo(other.port)}]}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
      await delivery.raise(alertWith('b'));
      await expect.poll(() => other.mails.length).toBe(1);
      expect(lines.filter(({ msg }) => msg.startsWith('lockstep.yaml can not be used'))).toHaveLength(1);
      await end();
    }));

  it('says once why an alert does not get out, and that nobody would be told', () =>
    withDirectory(async (directory) => {
      const gone = await startMailSink();
      await gone.close();
      const { delivery, lines, end } = start(directory, `alerts: {channels: [${mailTo(gone.port)}]}`);
      await delivery.raise(alertWith('a'));
      await expect.poll(() => lines.find(({ msg }) => msg.startsWith('an alert did not get out'))?.reason).toBe('connection refused');
      await end();
      const silent = start(`${directory}/other`, '');
      await expect.poll(() => silent.lines.map(({ msg }) => msg)).toContain('lockstep.yaml names no channel for alerts: nobody would be told');
      await silent.end();
    }));

  it('raises without failing, and sends, where the disk takes nothing', () =>
    withDirectory(async (directory) => {
      const mail = await startMailSink();
      closing.push(mail.close);
      await writeFile(join(directory, 'alerts'), '');
      const { delivery, lines, end } = start(directory, `alerts: {channels: [${mailTo(mail.port)}]}`);
      await delivery.raise(alertWith('a'));
      await expect.poll(() => mail.mails.length).toBe(1);
      expect(lines.filter(({ level }) => level === 50).map(({ msg }) => msg)).toContain('an alert could not be written; it is sent from memory, and lost where the worker ends before');
      await rm(join(directory, 'alerts'));
      await expect.poll(async () => (await createOutbox(directory).read()).entries.length).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(mail.mails).toHaveLength(1);
      await end();
    }));
});
