import { expect, test } from 'vitest';
import { renderChildren } from '../../../../src/cli/present/childLines.js';
import type { NodeStatus } from '../../../../src/contract/status.js';
import { nodes } from './fixtures.js';

const child = { ...nodes[0], id: 'rotate', kind: 'child', title: 'Emergency key rotation', state: 'running', note: 'lockstep watch db1/rotateKey-emergency' } as NodeStatus;

test('a run that goes on beside is told of with where it asks', () => {
  expect(renderChildren({ nodes: [...nodes, child] }, 80)).toEqual(['▶ Emergency key rotation: a run of its own, which asks in another terminal:', '  lockstep watch db1/rotateKey-emergency']);
  expect(renderChildren({ nodes: [{ ...child, state: 'done' }, { ...child, state: 'pending' }, ...nodes] }, 80)).toEqual([]);
});
