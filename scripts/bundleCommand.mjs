import { copyFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

const outdir = 'dist/bin';
await rm(outdir, { recursive: true, force: true });

/** What of the worker's SDK may not, or need not, be part of the bundle. */
const workerSdk = {
  name: 'worker-sdk',
  setup({ onResolve, onLoad }) {
    // It finds the native core, which no bundle can hold, beside itself: it stays where npm put it.
    onResolve({ filter: /^\.\/common$/ }, ({ importer }) =>
      /@temporalio\/core-bridge\/index\.js$/.test(importer) ? { path: '@temporalio/core-bridge/common.js', external: true } : undefined,
    );
    // The workflows were bundled when Lockstep was built: a worker that starts needs no webpack.
    onLoad({ filter: /@temporalio\/worker\/lib\/workflow\/bundler\.js$/ }, () => ({ contents: 'exports.defaultWorkflowInterceptorModules = [];' }));
  },
};

// Few files where there were a thousand, and each library once: on a slow or networked disk, and with a
// cold cache, the command and the worker start in a fraction of the time.
await build({
  entryPoints: [
    'dist/cli/main.js',
    'dist/rehearsal/prepareDeployment.main.js',
    'dist/rehearsal/faultPoints/faultyWorker.main.js',
    'dist/rehearsal/deployment/client.main.js',
    // The SDK starts its thread for workflows by this name, and looks for it beside itself.
    '@temporalio/worker/lib/workflow/workflow-worker-thread.js',
  ],
  outdir,
  entryNames: '[name]',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['esbuild'],
  plugins: [workerSdk],
  // What libraries written as CommonJS expect.
  banner: {
    js: [
      "import { createRequire } from 'node:module';",
      'const require = createRequire(import.meta.url);',
      'const { filename: __filename, dirname: __dirname } = import.meta;',
    ].join('\n'),
  },
  logLevel: 'error',
});

// The SDK maps stack traces of workflows with it, and reads it from beside itself.
const { resolve } = createRequire(createRequire(import.meta.url).resolve('@temporalio/worker'));
await copyFile(resolve('source-map/lib/mappings.wasm'), `${outdir}/mappings.wasm`);
