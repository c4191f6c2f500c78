import type { EngineActs } from '../../../../src/workflows/engine/host.js';

/** What the engine's test runbooks do: one activity, told apart by the node that calls it. */
export interface TestActs extends EngineActs {
  act: (args?: { readonly given: unknown }) => Promise<{ readonly figure: number }>;
}
