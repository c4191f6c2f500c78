import { expect, test } from 'vitest';
import { createLogins } from '../../../src/host/logins.js';
import { createFakeRun, type Expected } from '../fakeRun.js';

const since = new Date('2026-08-03T20:00:00Z');
const now = new Date('2026-11-01T20:00:00Z');
const journal: Expected = {
  file: 'journalctl',
  args: ['--quiet', '--no-pager', '--output=short-iso', '--since=@1785787200', '_COMM=sshd', '_COMM=sshd-session'],
  answer: [
    '2026-10-31T09:12:00+0000 db1 sshd[812]: Accepted publickey for ann from 192.0.2.7 port 50212 ssh2: ED25519 SHA256:abc',
    '2026-10-31T09:12:01+0000 db1 sshd[813]: Failed password for invalid user admin from 198.51.100.9 port 4000 ssh2',
    '2026-10-31T09:12:02+0000 db1 sshd[813]: Failed password for root from 198.51.100.9 port 4000 ssh2',
    '2026-10-31T09:12:03+0000 db1 sshd[814]: Invalid user x: Accepted password for root from 192.0.2.66 port 22 from 198.51.100.9 port 4001',
    '2026-10-31T09:12:03+0000 db1 sshd[813]: Connection closed by 198.51.100.9 port 4000 [preauth]',
  ].join('\n'),
};
const last: Expected = {
  file: 'last',
  args: (args) => args[0] === '--fullnames' && args.includes('--since'),
  answer: [
    'ann      pts/0        192.0.2.7        2026-10-31T09:12:00+00:00 - 2026-10-31T10:00:00+00:00  (00:48)',
    'ben      tty1         0.0.0.0          2026-10-30T09:12:00+00:00   still logged in',
    'reboot   system boot  0.0.0.0          2026-10-30T09:00:00+00:00   still running',
    '',
    'wtmp begins 2026-10-01T00:00:00+00:00',
  ].join('\n'),
};
const lastlog: Expected = { file: 'lastlog', args: ['--time', '90'], answer: 'Username Port From Latest\nann pts/0 192.0.2.7 Sat Oct 31 09:12:00 +0000 2026\n' };

test('sessions, logins by SSH, and those that were refused', async () => {
  const found = await createLogins({ run: createFakeRun([journal, last, lastlog]) }).read({ since, now });
  expect(found).toMatchObject({
    sessions: [
      { by: 'ann', from: '192.0.2.7', at: '2026-10-31T09:12:00+00:00' },
      { by: 'ben', at: '2026-10-30T09:12:00+00:00' },
    ],
    accepted: [{ by: 'ann', from: '192.0.2.7', at: '2026-10-31T09:12:00+0000' }],
    refused: 2,
    refusedFrom: 1,
    lacking: [],
  });
  expect(found.lines).toContain('2 from 198.51.100.9');
  expect(found.lines).toContain('wtmp begins 2026-10-01T00:00:00+00:00');
});

test('a program that is missing is named, and the others tell', async () => {
  const missing = (file: string): Expected => ({ file, args: () => true, answer: { exitCode: 127 } });
  const found = await createLogins({ run: createFakeRun([missing('journalctl'), last, missing('lastlog')]) }).read({ since, now });
  expect(found.lacking).toEqual(['journalctl', 'lastlog']);
  expect(found.sessions).toHaveLength(2);
});
