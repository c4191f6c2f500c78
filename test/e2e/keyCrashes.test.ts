import { expect, it } from 'vitest';
import { keys } from '../matrix/courses/keys.js';
import type { PairName } from '../matrix/courses/keyring.js';
import { runSampled } from './sampledCourse.js';

it('a volume is set up, grown, given other keys, opened by its recovery key, locked and started up as if nothing had happened, whatever dies on the way', async () => {
  const { hostStates } = await runSampled('e2e-key-crashes', keys, { oneOf: 5, powerCutEvery: 8 });
  const parts = hostStates.map((state) => state.parts);
  const holders: readonly PairName[] = ['set up', 'set up', 'rotated', 'rotated', 'after the access', 'after the access', 'after the access', 'of the emergency'];
  expect(parts.map(({ keys: held }) => held)).toEqual(
    holders.map((pair) => ['operational', 'recovery'].map((role) => `${role} (luks2): opened by the ${role} passphrase ${pair}, proven`).join('\n')),
  );
  const isShutDown = (index: number): boolean => keys.runs[index]?.runbook.name === 'shutdown';
  for (const [index, { volume, compose }] of parts.entries()) {
    expect(volume).toMatch(isShutDown(index) ? /is inactive\.\nnot mounted\n0\n/ : /is active and is in use\.\n\/dev\/mapper\/pg-data-encrypted .*ext4 .*\n1\n/);
    expect(compose).toMatch(isShutDown(index) ? /supersync-postgres .*false/ : /supersync-postgres \/mnt\/pg-data-encrypted\/pgdata .*true/);
  }
});
