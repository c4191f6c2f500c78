import type { EngineActs } from '../../../src/workflows/engine/host.js';

/** What the toy runbook does on its host. */
export interface ToyActs extends EngineActs {
  measure: () => Promise<{ readonly sizeBytes: number }>;
  copy: (args: { readonly sizeBytes: number }) => Promise<{ readonly files: number }>;
  removeCopy: () => Promise<void>;
  switchOver: () => Promise<void>;
  switchBack: () => Promise<void>;
  prove: () => Promise<void>;
}
