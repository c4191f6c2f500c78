import type { RunStatus } from '../../contract/status.js';
import { wrapHanging } from './text.js';

/** Runs that this one has begun and that go on beside it: each asks its own questions, to whoever watches it. */
export function renderChildren({ nodes }: Pick<RunStatus, 'nodes'>, width: number): string[] {
  return nodes
    .filter(({ kind, state, note }) => kind === 'child' && state === 'running' && note !== undefined)
    .flatMap(({ title, note = '' }) => wrapHanging('▶ ', `${title}: a run of its own, which asks in another terminal: ${note}`, width));
}
