import { expect, test } from 'vitest';
import { createIdentity, isDeadPredecessor } from '../../../src/worker/identity.js';

const own = createIdentity('db.example', 'boot-2');

test.each([
  ['this process', own, false],
  ['an earlier process of this boot', createIdentity('db.example', 'boot-2'), true],
  ['a process of an earlier boot', createIdentity('db.example', 'boot-1'), true],
  ['a host whose name begins alike', createIdentity('db.example2', 'boot-2'), false],
  ['another program', '1234@db.example', false],
])('%s', (_, identity, dead) => {
  expect(isDeadPredecessor(identity, own)).toBe(dead);
});
