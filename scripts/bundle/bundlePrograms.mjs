import { spawnSync } from 'node:child_process';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
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

// Loaded by the few commands that need them, from where npm put them: their dictionaries would double what every start reads.
const loadedWhenNeeded = ['@zxcvbn-ts/*', 'shamir-secret-sharing', 'uqr', '@scure/base'];

const settings = { outdir, entryNames: '[name]', bundle: true, platform: 'node', target: 'node20', external: ['esbuild', ...loadedWhenNeeded], plugins: [workerSdk], logLevel: 'error' };

// What has to start quickly, as one script each: few files where there were a thousand, and what V8 makes of it is kept
// beside it. Loading touches most of the memory of a start, and on a busy or emulated host that is most of its time.
await build({
  ...settings,
  entryPoints: ['scripts/bundle/programs.mjs', 'scripts/bundle/workflowThread.mjs'],
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  minifyWhitespace: true,
  // By `require`, which Node has for modules of either kind: a script that comes with its compiled code has no loader for `import()`.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.dirname': '__dirname', 'import.meta.url': 'fileUrl' },
  banner: { js: "(function (exports, require, module, __filename, __dirname) { const fileUrl = require('node:url').pathToFileURL(__filename).href;" },
  footer: { js: '})' },
});
await copyFile('scripts/bundle/loadScript.mjs', `${outdir}/loadScript.js`);
for (const [name, script, program] of [
  ['main', 'programs', 'command'],
  ['faultyWorker.main', 'programs', 'faultyWorker'],
  // The SDK starts its thread for workflows by this name, and looks for it beside itself.
  ['workflow-worker-thread', 'workflowThread', 'workflowThread'],
]) {
  const lines = ['#!/usr/bin/env node', "import { loadScript } from './loadScript.js';", `await loadScript('${script}').exports.${program}();`, ''];
  await writeFile(`${outdir}/${name}.js`, lines.join('\n'), { mode: 0o755 });
}
for (const script of ['programs', 'workflowThread']) {
  await assertAscii(`${outdir}/${script}.cjs`);
  const { status } = spawnSync(process.execPath, ['scripts/bundle/keepCode.mjs', script], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`keeping the compiled code of ${script} ended with status ${status}`);
}

// What runs in disposable hosts besides.
await build({
  ...settings,
  entryPoints: ['dist/rehearsal/prepareDeployment.main.js', 'dist/rehearsal/deployment/client.main.js'],
  splitting: true,
  format: 'esm',
  // What libraries written as CommonJS expect.
  banner: {
    js: [
      "import { createRequire } from 'node:module';",
      'const require = createRequire(import.meta.url);',
      'const { filename: __filename, dirname: __dirname } = import.meta;',
    ].join('\n'),
  },
});

// The SDK maps stack traces of workflows with it, and reads it from beside itself.
const { resolve } = createRequire(createRequire(import.meta.url).resolve('@temporalio/worker'));
await copyFile(resolve('source-map/lib/mappings.wasm'), `${outdir}/mappings.wasm`);

/**
 * The scripts are read byte by byte, in a fraction of the time and memory that decoding takes. esbuild escapes what is
 * beyond ASCII, but in comments, where it does no harm, and in regular expressions.
 */
async function assertAscii(file) {
  const beyond = (await readFile(file, 'utf8')).split('\n').find((line) => /[^\p{ASCII}]/u.test(line) && !/^\s*(\/\/|\/?\*)/.test(line));
  if (beyond === undefined) return;
  const at = beyond.search(/[^\p{ASCII}]/u);
  throw new Error(`${file} has characters beyond ASCII, and is read as if it had none: ${beyond.slice(Math.max(0, at - 40), at + 40)}`);
}
