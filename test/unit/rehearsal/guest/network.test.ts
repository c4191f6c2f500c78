import { expect, it } from 'vitest';
import { createNetwork, listsNamespace } from '../../../../src/rehearsal/guest/network.js';
import { listensOn } from '../../../../src/rehearsal/guest/offers.js';
import { createFakeRun } from '../../fakeRun.js';

it('makes a namespace with one wire, and removes it', async () => {
  const inNamespace = (...args: string[]) => ({ file: 'ip', args: ['-n', 'lockstep-a', ...args] });
  let listed = '';
  const run = createFakeRun([
    { file: 'ip', args: ['netns', 'list'], answer: () => listed },
    { file: 'ip', args: ['netns', 'add', 'lockstep-a'] },
    inNamespace('link', 'set', 'lo', 'up'),
    inNamespace('tuntap', 'add', 'dev', 'tap0', 'mode', 'tap'),
    inNamespace('address', 'add', '10.99.0.1/24', 'dev', 'tap0'),
    inNamespace('link', 'set', 'tap0', 'up'),
    { file: 'ip', args: ['netns', 'pids', 'lockstep-a'] },
    { file: 'ip', args: ['netns', 'delete', 'lockstep-a'] },
  ]);
  const network = await createNetwork({ run, name: 'a' });
  expect(network.inside('socat', ['-'])).toEqual(['nsenter', ['--net=/run/netns/lockstep-a', '--', 'socat', '-']]);
  expect(run.calls.map(({ args }) => args.join(' '))).not.toContain('netns delete lockstep-a');

  listed = 'lockstep-a (id: 0)\nlockstep-ab\n';
  await network.remove();
  expect(run.calls.at(-1)?.args).toEqual(['netns', 'delete', 'lockstep-a']);
});

it('tells a namespace from one whose name begins alike', () => {
  expect(listsNamespace('lockstep-ab\n', 'lockstep-a')).toBe(false);
});

it('finds a listening port in /proc/net/tcp, and no other state', () => {
  const list = (state: string) =>
    `  sl  local_address rem_address   st tx_queue\n   0: 0100630A:1267 00000000:0000 ${state} 00000000:00000000 00:00000000\n`;
  expect(listensOn(list('0A'), 4711)).toBe(true);
  expect(listensOn(list('06'), 4711)).toBe(false);
  expect(listensOn(list('0A'), 471)).toBe(false);
});
