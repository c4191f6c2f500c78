import { ServiceError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { createAnswerFlags } from '../../../src/cli/answerFlags.js';
import type { RunStatus } from '../../../src/contract/status.js';
import { nodes, status } from './present/fixtures.js';

const child = { ...nodes[0], id: 'rotate', kind: 'child', state: 'pending' } as RunStatus['nodes'][number];

test('a run is named in answers from when another one has begun beside it', async () => {
  let open = 1;
  let looks = 0;
  const flagsAt = createAnswerFlags(() => {
    looks += 1;
    return Promise.resolve(open === 1 ? '' : ' --run respondToCompromise');
  });
  const before = { ...status, nodes: [child] };
  expect(await flagsAt(before)).toBe('');
  open = 2;
  expect(await flagsAt({ ...before, nodes: [{ ...child, state: 'running' }] })).toBe(' --run respondToCompromise');
  expect(await flagsAt({ ...before, nodes: [{ ...child, state: 'running' }] })).toBe(' --run respondToCompromise');
  expect(looks).toBe(2);
});

test('a server that is away for a moment takes no answer its name', async () => {
  const away = new ServiceError('away', { cause: Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: 'away', metadata: {} }) });
  let isAway = false;
  const flagsAt = createAnswerFlags(() => (isAway ? Promise.reject(away) : Promise.resolve(' --run rotateKey')));
  await flagsAt(undefined);
  isAway = true;
  expect(await flagsAt(status)).toBe(' --run rotateKey');
});
