import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Attempt } from '../../../../src/activities/activity.js';
import { delaySecondsAfter } from '../../../../src/activities/volume/wrongPassphrases.js';
import { ensureUnlocked } from '../../../../src/activities/volume/unlock.js';
import { SecretNeeded } from '../../../../src/contract/errors.js';
import { WrongPassphrase } from '../../../../src/host/luks/cryptsetup.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const passphrases: Readonly<Record<number, string>> = { 0: 'operational', 1: 'recovery' };
const role = (slot: number, name: string) => ({ tokenId: slot, type: 'lockstep', slots: [slot], fields: { role: name, run: 'r' } });
const roles = [role(0, 'operational'), role(1, 'recovery')];

/** A locked volume with two slots; each attempt is given one passphrase, or none. */
function lockedHost(directory: string, tokens: readonly object[] = roles) {
  const told: (readonly [string, unknown, unknown])[] = [];
  const opened: (number | undefined)[] = [];
  let clock = Date.parse('2026-11-01T20:00:00Z');
  const waited: string[] = [];
  const attemptWith = (given: string | undefined): Attempt => ({
    ...createAttempt({
      directory,
      config: { stateDirectory: directory, deployment: { directory: join(directory, 'deployment') } },
      tools: {
        cryptsetup: {
          status: () => Promise.resolve({ active: opened.length > 0 }),
          readHeader: () => Promise.resolve({ uuid: 'v', slots: [0, 1].map((slot) => ({ slot, opensVolume: true })), tokens }),
          open: ({ passphrase, slot, device }: { passphrase: Buffer; slot: number; device: string }) => {
            if (passphrases[slot] !== passphrase.toString()) return Promise.reject(new WrongPassphrase(device));
            opened.push(slot);
            return Promise.resolve({ changed: true });
          },
          testPassphrase: ({ passphrase, slot }: { passphrase: Buffer; slot: number }) => Promise.resolve({ matches: passphrases[slot] === passphrase.toString(), slot }),
        },
      },
    }),
    secret: (name, reason) => (given === undefined ? Promise.reject(new SecretNeeded(name, reason)) : Promise.resolve(Buffer.from(given))),
    refuseSecret: (name, reason) => {
      throw new SecretNeeded(name, reason);
    },
    giverOf: () => ({ by: 'ann', from: '192.0.2.7' }),
    report: ({ phase }) => void waited.push(phase),
    audit: (event, details, who) => {
      told.push([event, details['count'] ?? details['slot'], who?.by]);
      return Promise.resolve();
    },
    alert: ({ severity }) => Promise.resolve(void told.push(['ALERT', severity, undefined])),
    now: () => new Date(clock),
  });
  return { give: (given?: string) => ensureUnlocked(attemptWith(given)), told, opened, waited, pass: (seconds: number) => void (clock += seconds * 1000) };
}

test('the operational passphrase opens the volume, by its own slot', () =>
  withDirectory(async (directory) => {
    const host = lockedHost(directory);
    expect(await host.give('operational')).toEqual({ opened: true });
    expect(host.opened).toEqual([0]);
    expect(host.told.map(([event]) => event)).toEqual(['VOLUME_UNLOCK_BEGIN', 'VOLUME_UNLOCK']);
  }));

test('the recovery passphrase opens nothing, and leads to where it belongs', () =>
  withDirectory(async (directory) => {
    const host = lockedHost(directory);
    await expect(host.give('recovery')).rejects.toThrow(/recovery passphrase \(slot 1\).*stays closed.*lockstep start emergencyAccess/);
    expect(host.opened).toEqual([]);
    expect(host.told).toEqual([
      ['VOLUME_UNLOCK_BEGIN', undefined, 'ann'],
      ['RECOVERY_KEY_TYPED', 1, 'ann'],
      ['ALERT', 'warning', undefined],
    ]);
  }));

test('in a header without roles any slot is for daily use', () =>
  withDirectory(async (directory) => {
    const host = lockedHost(directory, []);
    expect(await host.give('recovery')).toEqual({ opened: true });
    expect(host.opened).toEqual([1]);
  }));

test('where every slot is the recovery key\'s, nothing is tried', () =>
  withDirectory(async (directory) => {
    await expect(lockedHost(directory, [role(0, 'recovery'), role(1, 'recovery')]).give('operational')).rejects.toThrow(/no key slot for daily use.*recovery: 0, 1/);
  }));

test('wrong passphrases are counted in a row, told with who gave them, and delay the next one; the right one ends the row', () =>
  withDirectory(async (directory) => {
    const host = lockedHost(directory);
    await expect(host.give('wrong')).rejects.toThrow('1 wrong in a row; the next one is tried 1 s later');
    host.pass(5);
    await expect(host.give('wrong')).rejects.toThrow('2 wrong in a row; the next one is tried 2 s later');
    expect(host.waited).toEqual([]);
    host.pass(1.9);
    await expect(host.give('wrong')).rejects.toThrow('3 wrong in a row');
    expect(host.waited[0]).toContain('waits, after wrong passphrases');
    expect(host.told.filter(([event]) => event === 'VOLUME_UNLOCK_FAILED')).toEqual([1, 2, 3].map((count) => ['VOLUME_UNLOCK_FAILED', count, 'ann']));
    expect(host.told.filter(([event]) => event === 'ALERT')).toHaveLength(3);
    host.pass(60);
    await host.give('operational');
    host.opened.pop();
    await expect(host.give('wrong')).rejects.toThrow('1 wrong in a row');
  }));

test('a delay grows to a minute and no further', () => {
  expect([0, 1, 2, 3, 6, 7, 40].map(delaySecondsAfter)).toEqual([0, 1, 2, 4, 32, 60, 60]);
});

test('people are told once that a host waits, where users wait with it', () =>
  withDirectory(async (directory) => {
    const host = lockedHost(directory);
    const deployment = join(directory, 'deployment');
    // Neither with a deployment that does not lie on it, nor without any.
    await expect(host.give()).rejects.toThrow('the operational passphrase, to open');
    await mkdir(deployment);
    await writeFile(join(deployment, 'docker-compose.yaml'), 'services: {}\n');
    await expect(host.give()).rejects.toThrow('the operational passphrase, to open');
    expect(host.told).toEqual([]);
    await writeFile(join(deployment, '.env'), 'COMPOSE_FILE=docker-compose.yaml:docker-compose.encrypted.yaml\n');
    for (let times = 0; times < 2; times++) await expect(host.give()).rejects.toThrow(SecretNeeded);
    expect(host.told).toEqual([['ALERT', 'critical', undefined]]);
  }));
