import { beforeAll, expect, test } from 'vitest';
import { openAndMount } from '../../../../src/activities/volume/openVolume.js';
import { keepFact, readFact } from '../../../../src/activities/run/runFacts.js';
import type { Attempt } from '../../../../src/activities/activity.js';
import { WrongPassphrase } from '../../../../src/host/luks/cryptsetup.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { callWith, createWrapperHarness, eventsOf } from '../wrapper/harness.js';

beforeAll(() => assertRoot('the audit log is given to the group adm'));

const wrong = Buffer.from('wrong horse');

/** A volume that opens with nothing but the right passphrase. */
function withVolume(attempt: Attempt, { active = false } = {}): Attempt {
  const cryptsetup = {
    status: () => Promise.resolve({ active }),
    readHeader: () => Promise.resolve({ uuid: 'v', slots: [{ slot: 0, opensVolume: true }], tokens: [] }),
    open: ({ device, passphrase }: { device: string; passphrase: Buffer }) =>
      passphrase.equals(wrong) ? Promise.reject(new WrongPassphrase(device)) : Promise.resolve(),
  };
  return { ...attempt, tools: { ...attempt.tools, cryptsetup } as unknown as Attempt['tools'] };
}

const unlock = { event: 'VOLUME_OPEN', perform: (attempt: Attempt) => openAndMount(withVolume(attempt), { mounted: false }) };
const findOpen = { event: 'VOLUME_OPEN', perform: (attempt: Attempt) => openAndMount(withVolume(attempt, { active: true }), { mounted: false }) };

test('each try of a wrong passphrase is a line of its own, within one opening and over several', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    const type = (question: string, value = wrong) => harness.vault.give('operationalPassphrase', { value: Buffer.from(value), question, by: 'ben', from: '10.0.0.7' });
    // Each is typed: a worker that dies with one forgets it, and is given another one before its server tells it to go on.
    for (const [opening, attempt] of [[1, 1], [1, 2], [2, 1]] as const) {
      type(`copy-data.secret.${opening}`);
      await expect(harness.run(unlock, { call: callWith({ opening }), attempt })).rejects.toThrow();
    }
    type('copy-data.secret.3', Buffer.from('right horse'));
    await harness.run(unlock, { call: callWith({ opening: 3 }) });
    const failed = (await harness.auditLog()).filter((line) => line.includes('VOLUME_UNLOCK_FAILED'));
    expect(failed.map((line) => / id=(\S+)/.exec(line)?.[1])).toEqual(['1.1', '1.2', '2.1'].map((occurrence) => `run-1/copy-data/do/${occurrence}/VOLUME_UNLOCK_FAILED`));
    for (const line of failed) expect(line).toContain('] VOLUME_UNLOCK_FAILED by ben from 10.0.0.7 ');
    expect(eventsOf(await harness.auditLog()).filter((event) => event === 'VOLUME_UNLOCK')).toHaveLength(1);
  }));

test('a volume that is closed again and unlocked by the next attempt of the same opening is told twice', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    harness.vault.give('operationalPassphrase', { value: Buffer.from('right horse'), question: 'q', by: 'ben' });
    await harness.run(unlock);
    await harness.run(unlock, { attempt: 2 });
    expect(eventsOf(await harness.auditLog()).filter((event) => event === 'VOLUME_UNLOCK')).toHaveLength(2);
  }));

test('an unlock that was told just before its worker died is not told again by the next opening', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    harness.vault.give('operationalPassphrase', { value: Buffer.from('right horse'), question: 'q', by: 'ben' });
    let fact: unknown;
    const auditing = (attempt: Attempt): Attempt['audit'] => async (...event) => {
      await attempt.audit(...event);
      if (event[0] === 'VOLUME_UNLOCK') fact = await readFact(attempt, 'unlocking');
    };
    await harness.run({ ...unlock, perform: (attempt: Attempt) => unlock.perform({ ...attempt, audit: auditing(attempt) }) });
    await keepFact({ directory: harness.directory }, 'unlocking', fact);
    await harness.run(findOpen, { call: callWith({ opening: 2 }) });
    expect(eventsOf(await harness.auditLog()).filter((event) => event === 'VOLUME_UNLOCK')).toHaveLength(1);
  }));

test('a volume that somebody opened by hand after a wrong passphrase is not told as unlocked with that', () =>
  withDirectory(async (directory) => {
    const harness = createWrapperHarness(directory);
    await harness.claim();
    harness.vault.give('operationalPassphrase', { value: Buffer.from(wrong), question: 'q', by: 'ben' });
    await expect(harness.run(unlock)).rejects.toThrow();
    expect(await readFact({ directory: harness.directory }, 'unlocking')).toBeUndefined();
  }));
