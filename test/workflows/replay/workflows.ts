export * from '../engine/runbooks/workflows.js';
export * from '../../../src/workflows/index.js';
export * from './otherVersions.js';
