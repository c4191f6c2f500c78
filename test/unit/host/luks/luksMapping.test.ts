import { describe, expect, it } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { createCryptsetup, WrongPassphrase } from '../../../../src/host/luks/cryptsetup.js';
import { createFakeRun, inputOf, type Expected } from '../../fakeRun.js';

const open = [
  '/dev/mapper/pg-data is active and is in use.',
  '  type:    LUKS2',
  '  cipher:  aes-xts-plain64',
  '  keysize: 512 bits',
  '  key location: keyring',
  '  device:  /dev/loop0',
  '  loop:    /var/lib/volume.img',
  '  sector size:  4096',
  '  offset:  32768 sectors',
  '  size:    163840 sectors',
  '  mode:    read/write',
  '',
].join('\n');
const inactive = { stdout: '/dev/mapper/pg-data is inactive.\n', exitCode: 4 };
const request = { device: '/var/lib/volume.img', name: 'pg-data', passphrase: 'one' };

/** `status` answers in turn, the last answer for ever. */
function statuses(...answers: Exclude<Expected['answer'], ((...args: never[]) => unknown) | undefined>[]): Expected {
  return { file: 'cryptsetup', args: ['status', 'pg-data'], answer: () => (answers.length > 1 ? answers.shift() : answers[0]) ?? '' };
}
const openArgs = ['open', '--type', 'luks2', '--key-file=-', '/var/lib/volume.img', 'pg-data'];

describe('a mapping', () => {
  it('is described as cryptsetup has it', async () => {
    const cryptsetup = createCryptsetup({ run: createFakeRun([statuses(open)]) });
    expect(await cryptsetup.status({ name: 'pg-data' })).toEqual({
      active: true,
      inUse: true,
      type: 'LUKS2',
      cipher: 'aes-xts-plain64',
      keySizeBits: 512,
      device: '/dev/loop0',
      loop: '/var/lib/volume.img',
      sizeBytes: 83886080,
      readOnly: false,
    });
    expect(await createCryptsetup({ run: createFakeRun([statuses(inactive)]) }).status({ name: 'pg-data' })).toEqual({ active: false });
  });

  it('of a volume whose re-encryption was cut off may be told by its type alone, and is closed all the same', async () => {
    const cutOff = open.split('\n').filter((line) => !/cipher|keysize/.test(line)).join('\n');
    expect(await createCryptsetup({ run: createFakeRun([statuses(cutOff)]) }).status({ name: 'pg-data' })).toMatchObject({ active: true, type: 'LUKS2', cipher: 'unknown', keySizeBits: 0 });
    const typeAlone = '/dev/mapper/pg-data is active.\n  type:    LUKS2\n';
    expect(await createCryptsetup({ run: createFakeRun([statuses(typeAlone), { file: 'cryptsetup', args: ['close', 'pg-data'] }]) }).close({ name: 'pg-data' })).toEqual({ changed: true });
  });

  it('is opened once, with the passphrase on standard input and without discards', async () => {
    const run = createFakeRun([statuses(inactive, open), { file: 'cryptsetup', args: openArgs }]);
    const cryptsetup = createCryptsetup({ run });
    expect(await cryptsetup.open(request)).toEqual({ changed: true });
    expect(inputOf(run.calls[1])).toBe('one');
    expect(await cryptsetup.open(request)).toEqual({ changed: false });
    await expect(cryptsetup.open({ ...request, device: '/other.img' })).rejects.toThrow('/dev/mapper/pg-data is already open on /var/lib/volume.img, not on /other.img');
  });

  it('is opened by one slot alone where that is named', async () => {
    const args = ['open', '--type', 'luks2', '--key-slot', '0', '--key-file=-', '/var/lib/volume.img', 'pg-data'];
    const run = createFakeRun([statuses(inactive, open), { file: 'cryptsetup', args }]);
    expect(await createCryptsetup({ run }).open({ ...request, slot: 0 })).toEqual({ changed: true });
  });

  it.each([
    ['a wrong passphrase', { exitCode: 2, stderr: 'No key available with this passphrase.\n' }, WrongPassphrase],
    ['a kernel without dm-crypt', { exitCode: 4, stderr: 'device-mapper: reload ioctl on pg-data (254:0) failed: Invalid argument\n' }, PermanentFailure],
    ['a kernel without device-mapper', { exitCode: 1, stderr: 'Cannot initialize device-mapper. Is dm_mod kernel module loaded?\n' }, PermanentFailure],
  ])('is not opened with %s', async (_, answer, failure) => {
    const run = createFakeRun([statuses(inactive), { file: 'cryptsetup', args: openArgs, answer }]);
    await expect(createCryptsetup({ run }).open(request)).rejects.toThrow(failure);
  });

  it('is closed once, unless something holds it', async () => {
    const close = { file: 'cryptsetup', args: ['close', 'pg-data'] };
    const cryptsetup = createCryptsetup({ run: createFakeRun([statuses(open, inactive), close]) });
    expect(await cryptsetup.close({ name: 'pg-data' })).toEqual({ changed: true });
    expect(await cryptsetup.close({ name: 'pg-data' })).toEqual({ changed: false });
    const busy = createFakeRun([statuses(open), { ...close, answer: { exitCode: 5, stderr: 'Device pg-data is still in use.\n' } }]);
    await expect(createCryptsetup({ run: busy }).close({ name: 'pg-data' })).rejects.toThrow(/still in use; unmount it/);
  });
});

describe('a re-encryption', () => {
  const argon2id = { memoryKiB: 32, parallel: 1, iterationMilliseconds: 100 };
  const run = createFakeRun([
    {
      file: 'cryptsetup',
      args: (args) => args[0] === 'reencrypt',
      answer: 'Progress:   0.0%, ETA 00m00s,    0 MiB written, speed   0.0 B/s\nProgress:  43.0%, ETA 00m05s, 1024 MiB written, speed 260.7 MiB/s\nFinished, time 00m04s\n',
    },
  ]);

  it('is given every passphrase in the order of the slots, and tells how far it is', async () => {
    const seen: number[] = [];
    await createCryptsetup({ run }).reencrypt({
      device: '/v.img',
      name: 'pg-data',
      passphrases: ['one', Buffer.from('two')],
      argon2id,
      onProgress: ({ percent }) => seen.push(percent),
    });
    expect(seen).toEqual([0, 43]);
    expect(inputOf(run.calls[0])).toBe('one\ntwo\n');
    expect(run.calls[0]?.args).not.toContain('--key-slot');
    expect(run.calls[0]?.args).toEqual(expect.arrayContaining(['--active-name', 'pg-data', '/v.img']));
  });
});
