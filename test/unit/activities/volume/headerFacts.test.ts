import { expect, test } from 'vitest';
import { assertArgon2idMinimum, fitArgon2id } from '../../../../src/activities/volume/argon2id.js';
import { slotOfRole } from '../../../../src/activities/volume/headerFacts.js';
import type { LuksHeader } from '../../../../src/host/luks/cryptsetup.js';
import { createAttempt } from '../attempt.js';

const header = (tokens: readonly (readonly [role: string, slots: readonly number[]])[]) =>
  ({ uuid: 'u', tokens: tokens.map(([role, slots], tokenId) => ({ tokenId, type: 'lockstep', slots, fields: { role, run: 'r' } })) }) as unknown as LuksHeader;

test("a role's slot is the one that its token names, whatever its number", () => {
  expect(slotOfRole(header([['operational', [2]], ['recovery', [3]]]), 'recovery')).toBe(3);
  expect(() => slotOfRole(header([['operational', [0]]]), 'recovery')).toThrow(/names no slot for the role recovery/);
  expect(() => slotOfRole(header([['recovery', []]]), 'recovery')).toThrow(/names no slot/);
  expect(() => slotOfRole(header([['recovery', [1]], ['recovery', [4]]]), 'recovery')).toThrow(/names the slots 1 and 4/);
});

test('a slot that costs less than the minimum is found out from the header', () => {
  const slot = { slot: 1, kdf: { type: 'argon2id', memoryKiB: 65_535, passes: 4, parallel: 4 } } as unknown as LuksHeader['slots'][number];
  expect(() => assertArgon2idMinimum(slot, 65_536)).toThrow(/slot 1 spends 64\.0 MiB of memory on argon2id \(minimum 64\.0 MiB\)/);
  expect(() => assertArgon2idMinimum(slot, 65_535)).not.toThrow();
  expect(() => assertArgon2idMinimum({ ...slot, kdf: { type: 'pbkdf2' } }, 32)).toThrow(/with pbkdf2, not argon2id/);
});

test('memory and threads are fitted to the host, and never below the minimum', async () => {
  const hostOf = (availableMiB: number, cpus: number) =>
    createAttempt({
      directory: '/nowhere',
      config: { volume: { argon2id: { minimumMemoryKiB: 65_536 } } },
      tools: { system: { readMemory: () => Promise.resolve({ availableBytes: availableMiB * 1024 ** 2 }), readProcessor: () => Promise.resolve({ cpus }) } },
    });
  expect(await fitArgon2id(hostOf(8192, 8))).toMatchObject({ memoryKiB: 1_048_576, parallel: 4 });
  expect(await fitArgon2id(hostOf(512, 1))).toMatchObject({ memoryKiB: 262_144, parallel: 1 });
  await expect(fitArgon2id(hostOf(100, 1))).rejects.toThrow(/could use 51200 KiB on this host \(minimum 65536 KiB\)/);
});
