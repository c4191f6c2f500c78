import type { TestProject } from 'vitest/node';
import { startDevServer } from './devServer.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the server that all workflow tests of a run share, each file in a namespace of its own. */
    readonly temporalPort: number;
  }
}

/** Starts what all workflow tests share. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startDevServer();
  project.provide('temporalPort', server.port);
  return server.stop;
}
