import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createAlertSender, toMessage, type DeliveryListener } from '../../../../src/activities/alerts/delivery.js';
import { createOutbox, type Outbox } from '../../../../src/activities/alerts/outbox.js';
import { withDirectory } from '../../needsRoot.js';
import { alertWith, createTestChannel, type TestChannel } from './alerts.js';

interface Stage {
  readonly directory: string;
  readonly outbox: Outbox;
  readonly said: string[];
  readonly deliver: (channels: readonly TestChannel[], more?: { readonly giveUpAfterDays?: number; readonly signal?: AbortSignal }) => Promise<void>;
  /** Lets time go by, or turns the clock back. */
  readonly wait: (seconds: number) => void;
  readonly settled: (id: string) => Promise<string | undefined>;
}

function onStage(use: (stage: Stage) => Promise<void>): Promise<void> {
  return withDirectory(async (directory) => {
    let now = Date.parse('2026-11-01T20:00:10Z');
    const outbox = createOutbox(directory);
    const said: string[] = [];
    const listener: DeliveryListener = {
      taken: ({ id }, channel) => void said.push(`${id} taken by ${channel}`),
      notTaken: ({ id }, channel, reason, isGivenUp) => void said.push(`${id} ${isGivenUp ? 'given up' : 'not taken'} by ${channel}: ${reason}`),
      damaged: ({ reason }) => void said.push(`damaged: ${reason}`),
      notRecorded: ({ id }) => void said.push(`${id} not recorded`),
      notRemoved: ({ id }) => void said.push(`${id} not removed`),
    };
    const sender = createAlertSender({ outbox, listener, now: () => new Date(now) });
    await use({
      directory,
      outbox,
      said,
      deliver: (channels, { giveUpAfterDays = 7, signal = new AbortController().signal } = {}) => sender.deliver({ channels, giveUpAfterDays, signal }),
      wait: (seconds) => void (now += seconds * 1000),
      settled: async (id) => (await createOutbox(directory).read()).entries.find(({ alert }) => alert.id === id)?.settled?.how,
    });
  });
}

describe('delivery', () => {
  it('brings each alert to every channel that is for it, once', () =>
    onStage(async ({ outbox, deliver, settled }) => {
      const mail = createTestChannel('mail');
      const pager = createTestChannel('pager', (severity) => severity === 'critical');
      await outbox.raise(alertWith('a'));
      await outbox.raise(alertWith('b', { severity: 'info' }));
      for (let round = 0; round < 3; round += 1) await deliver([mail, pager]);
      expect(mail.taken.map(({ id }) => id)).toEqual(['a', 'b']);
      expect(pager.taken.map(({ id }) => id)).toEqual(['a']);
      expect([await settled('a'), await settled('b')]).toEqual(['taken', 'taken']);
    }));

  it('tries again after 10 s, then twice as long, up to 5 minutes, and says since when and why', () =>
    onStage(async ({ outbox, deliver, wait }) => {
      const mail = createTestChannel('mail');
      mail.fault = 'connection refused';
      await outbox.raise(alertWith('a'));
      const waits: number[] = [];
      await deliver([mail]);
      for (let waited = 0; waits.length < 8; waited += 5) {
        const before = mail.attempts;
        wait(5);
        await deliver([mail]);
        if (mail.attempts === before) continue;
        waits.push(waited + 5);
        waited = -5;
      }
      expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
      expect((await outbox.read()).entries[0]?.channels).toEqual({
        mail: { attempts: 9, failingSince: '2026-11-01T20:00:10.000Z', failedAt: '2026-11-01T20:20:20.000Z', reason: 'connection refused' },
      });
      mail.fault = undefined;
      wait(300);
      await deliver([mail]);
      expect((await outbox.read()).entries[0]).toMatchObject({ channels: { mail: { attempts: 10, takenAt: '2026-11-01T20:25:20.000Z' } }, settled: { how: 'taken' } });
    }));

  it('does not wait for a clock that was set back', () =>
    onStage(async ({ outbox, deliver, wait }) => {
      const mail = createTestChannel('mail');
      mail.fault = 'connection refused';
      await outbox.raise(alertWith('a'));
      await deliver([mail]);
      wait(-365 * 86_400);
      mail.fault = undefined;
      await deliver([mail]);
      expect(mail.taken).toHaveLength(1);
    }));

  it('asks a channel that takes nothing for one alert at a time', () =>
    onStage(async ({ outbox, deliver }) => {
      const mail = createTestChannel('mail');
      mail.fault = 'connection refused';
      for (const id of ['a', 'b', 'c']) await outbox.raise(alertWith(id));
      await deliver([mail]);
      expect(mail.attempts).toBe(1);
      // One that is refused for what it is keeps back no other.
      await deliver([mail]);
      await deliver([mail]);
      expect((await outbox.read()).entries.map(({ channels }) => channels['mail']?.attempts)).toEqual([1, 1, 1]);
    }));

  it('brings all that waits as soon as a channel has taken one', () =>
    onStage(async ({ outbox, deliver, wait }) => {
      const mail = createTestChannel('mail');
      mail.fault = 'connection refused';
      await outbox.raise(alertWith('a'));
      for (const seconds of [0, 10, 20, 40]) {
        wait(seconds);
        await deliver([mail]);
      }
      expect(mail.attempts).toBe(4);
      mail.fault = undefined;
      await deliver([mail]);
      expect(mail.attempts).toBe(4);
      await outbox.raise(alertWith('b'));
      await deliver([mail]);
      expect(mail.taken.map(({ id }) => id)).toEqual(['b', 'a']);
    }));

  it('lets a slow channel hold up no other, and asks it nothing meanwhile', () =>
    onStage(async ({ outbox, deliver }) => {
      const [slow, quick] = [createTestChannel('slow'), createTestChannel('quick')];
      let answer: () => void = () => undefined;
      slow.until = new Promise<void>((resolve) => (answer = resolve));
      await outbox.raise(alertWith('a'));
      const first = deliver([slow, quick]);
      await expect.poll(() => quick.taken.length).toBe(1);
      await outbox.raise(alertWith('b'));
      await deliver([slow, quick]);
      expect(quick.taken.map(({ id }) => id)).toEqual(['a', 'b']);
      expect(slow.attempts).toBe(1);
      answer();
      await first;
      expect(slow.taken.map(({ id }) => id)).toEqual(['a', 'b']);
    }));

  it('gives up after the days of lockstep.yaml, and shows that', () =>
    onStage(async ({ outbox, deliver, wait, said, settled }) => {
      const [mail, pager] = [createTestChannel('mail'), createTestChannel('pager')];
      mail.fault = 'connection refused';
      await outbox.raise(alertWith('a'));
      await deliver([mail, pager]);
      // Age alone is none of its faults: the host may have been off.
      wait(8 * 86_400);
      for (let attempt = 2; attempt <= 10; attempt += 1) {
        expect(await settled('a')).toBeUndefined();
        await deliver([mail, pager]);
        wait(300);
      }
      expect(said.at(-1)).toBe('a given up by mail: connection refused');
      expect(await settled('a')).toBe('given up');
      mail.fault = undefined;
      await deliver([mail, pager]);
      expect(mail.taken).toEqual([]);
    }));

  it('settles what no channel is for, also where one was taken out of lockstep.yaml', () =>
    onStage(async ({ outbox, deliver, settled }) => {
      const [mail, pager] = [createTestChannel('mail'), createTestChannel('pager')];
      pager.fault = 'away';
      await outbox.raise(alertWith('a'));
      await deliver([mail, pager]);
      expect(await settled('a')).toBeUndefined();
      await deliver([mail]);
      expect(await settled('a')).toBe('taken');
      await outbox.raise(alertWith('b'));
      await deliver([]);
      expect(await settled('b')).toBe('no channel');
      // What came too late is told nobody: it may be weeks old.
      await deliver([mail, pager]);
      expect(mail.taken.map(({ id }) => id)).toEqual(['a']);
    }));

  it('sends again after a crash between taking and its record, with the same id', () =>
    onStage(async ({ outbox, deliver, directory }) => {
      const mail = createTestChannel('mail');
      await outbox.raise(alertWith('a'));
      const [name = ''] = await readdir(join(directory, 'alerts'));
      const before = (await outbox.read()).entries;
      await deliver([mail]);
      // As if the record had not reached the disk.
      await rm(join(directory, 'alerts', name));
      await writeFile(join(directory, 'alerts', name), JSON.stringify(before[0]));
      const another = createAlertSender({ outbox: createOutbox(directory), listener: { taken: () => undefined, notTaken: () => undefined, damaged: () => undefined, notRecorded: () => undefined, notRemoved: () => undefined }, now: () => new Date() });
      await another.deliver({ channels: [mail], giveUpAfterDays: 7, signal: new AbortController().signal });
      expect(mail.taken.map(({ id }) => id)).toEqual(['a', 'a']);
    }));

  it('sends what can not be written, and does not send it again and again', () =>
    onStage(async ({ outbox, deliver, directory, said }) => {
      const mail = createTestChannel('mail');
      await writeFile(join(directory, 'alerts'), '');
      await outbox.raise(alertWith('a'));
      for (let round = 0; round < 3; round += 1) await deliver([mail]);
      expect(mail.taken.map(({ id }) => id)).toEqual(['a']);
      expect(said.filter((line) => line.startsWith('a'))).toEqual(['a not recorded', 'a taken by mail']);
      await rm(join(directory, 'alerts'));
      await deliver([mail]);
      expect(mail.taken).toHaveLength(1);
    }));

  it('tells of a damaged file once, and delivers the others', () =>
    onStage(async ({ outbox, deliver, directory, said }) => {
      const mail = createTestChannel('mail');
      await outbox.raise(alertWith('a'));
      await writeFile(join(directory, 'alerts', `${'0'.repeat(64)}.json`), '{');
      await deliver([mail]);
      await deliver([mail]);
      expect(said.toSorted()).toEqual(['a taken by mail', 'damaged: it is no alert']);
    }));

  it('counts nothing against a channel that is interrupted by the end of the worker', () =>
    onStage(async ({ outbox, deliver, said }) => {
      const mail = createTestChannel('mail');
      const ending = new AbortController();
      mail.fault = 'was given up';
      mail.until = sleep(50).then(() => ending.abort());
      await outbox.raise(alertWith('a'));
      await deliver([mail], { signal: ending.signal });
      expect(said).toEqual([]);
      expect((await outbox.read()).entries[0]?.channels).toEqual({});
    }));

  it('forgets what was settled 30 days ago', () =>
    onStage(async ({ outbox, deliver, wait }) => {
      const mail = createTestChannel('mail');
      await outbox.raise(alertWith('a'));
      await deliver([mail]);
      wait(29 * 86_400);
      await deliver([mail]);
      expect((await outbox.read()).entries).toHaveLength(1);
      wait(2 * 86_400);
      await deliver([mail]);
      expect((await outbox.read()).entries).toEqual([]);
    }));

  it('brings what is new where what is over can not be removed, and tells of that once', () =>
    onStage(async ({ outbox, deliver, directory, wait, said }) => {
      const mail = createTestChannel('mail');
      await outbox.raise(alertWith('a'));
      await deliver([mail]);
      await outbox.read();
      const [name = ''] = await readdir(join(directory, 'alerts'));
      // A directory is not removed like a file, as nothing is from a disk that has become read-only.
      await rm(join(directory, 'alerts', name));
      await mkdir(join(directory, 'alerts', name));
      wait(31 * 86_400);
      await outbox.raise(alertWith('b'));
      await deliver([mail]);
      await deliver([mail]);
      expect(said.filter((line) => !line.startsWith('damaged'))).toEqual(['a taken by mail', 'a not removed', 'b taken by mail']);
    }));
});

describe('a message', () => {
  it('says first how much it matters and where, and last where it comes from', () => {
    expect(toMessage(alertWith('a'))).toEqual({
      id: 'a',
      subject: '[h1] critical: a is parked',
      text: 'type "lockstep status"\n\ncritical, host h1\nrun h1/migrate, copy-data (run-1)\n2026-11-01 20:00:00 UTC\n',
      data: alertWith('a'),
    });
    const { id, at, subject, text, host } = alertWith('a');
    expect(toMessage({ id, at, subject, text, host, severity: 'info' })).toMatchObject({ subject: '[h1] a is parked', text: 'type "lockstep status"\n\ninfo, host h1\n2026-11-01 20:00:00 UTC\n' });
  });
});
