import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

await rm('dist/bin', { recursive: true, force: true });

// One file where there were hundreds: on a slow or networked disk the command starts in a fraction of
// the time. The worker's native core, and what belongs to it, stay where npm put them.
await build({
  entryPoints: [
    'dist/cli/main.js',
    'dist/rehearsal/prepareDeployment.main.js',
    'dist/rehearsal/faultPoints/faultyWorker.main.js',
    'dist/rehearsal/deployment/client.main.js',
  ],
  outdir: 'dist/bin',
  entryNames: '[name]',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['@temporalio/worker', '@temporalio/core-bridge', 'esbuild'],
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  logLevel: 'error',
});
