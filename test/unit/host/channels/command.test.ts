import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../../../src/host/channels/channel.js';
import { createChannels } from '../../../../src/host/channels/channels.js';
import { createCommandChannel } from '../../../../src/host/channels/command.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { withDirectory } from '../../needsRoot.js';

const data = { id: 'a', subject: '$(touch x) `y`', text: 'größer\nals' };
const message = { id: 'a', subject: 's', text: 't', data };
const never = new AbortController().signal;
const channelTo = (...command: string[]) => createCommandChannel({ kind: 'command', command }, { run: createRun() });

describe('a command', () => {
  it('gets the data as JSON on its standard input, and nothing in its arguments', () =>
    withDirectory(async (directory) => {
      const channel = channelTo('tee', `${directory}/alert.json`);
      expect(channel.name).toBe('command (tee)');
      expect(await channel.send(message, never)).toEqual({});
      expect(JSON.parse(await readFile(`${directory}/alert.json`, 'utf8'))).toEqual(data);
    }));

  it('may leave its input unread', async () => {
    expect(await channelTo('true').send({ ...message, data: { text: 'x'.repeat(1_000_000) } }, never)).toEqual({});
  });

  it.each([
    [['false'], 'false exited with status 1'],
    [['/nowhere/program'], '/nowhere/program is not installed on this host'],
    [['sh', '-c', 'echo canary >&2; exit 3'], 'sh exited with status 3'],
  ])('%j does not take it', async (command, words) => {
    expect(await channelTo(...command).send(message, never).then(() => 'taken', reasonOf)).toBe(words);
  });

  it('is ended with the worker', async () => {
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 200);
    expect(await channelTo('sleep', '20').send(message, ending.signal).then(() => 'taken', reasonOf)).toBe('sleep was cancelled');
  });
});

describe('several channels', () => {
  it('have names of their own, and take what they are for', () => {
    const command = { kind: 'command', command: ['page'] } as const;
    const channels = createChannels([{ ...command, command: ['page'] }, { ...command, command: ['page', '--loud'], only: ['critical'] }]);
    expect(channels.map(({ name }) => name)).toEqual(['command (page)', 'command (page) #2']);
    expect(channels.map(({ takes }) => [takes('info'), takes('critical')])).toEqual([
      [true, true],
      [false, true],
    ]);
  });
});

it('words of what nobody expected are left out, since they may quote what it was given', () => {
  expect(reasonOf(new TypeError('canary is no header'))).toBe('it failed (TypeError)');
  expect(reasonOf(Object.assign(new Error('canary'), { code: 'EPIPE' }))).toBe('it failed (EPIPE)');
  expect(reasonOf('canary')).toBe('it failed in an unknown way');
});
