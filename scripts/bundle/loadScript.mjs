import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { constants, Script } from 'node:vm';

/** Where the compiled code of a script is kept. */
export function codeFileOf(name) {
  return join(import.meta.dirname, `${name}.code`);
}

/**
 * Loads a script of Lockstep's, with its compiled code where that fits. V8 looks whether it does: another version of
 * Node than the one that built Lockstep compiles the script itself, and takes longer.
 */
export function loadScript(name) {
  const filename = join(import.meta.dirname, `${name}.cjs`);
  const code = codeFileOf(name);
  const script = new Script(readFileSync(filename, 'latin1'), {
    filename,
    ...(existsSync(code) ? { cachedData: readFileSync(code) } : {}),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(filename), module, filename, dirname(filename));
  return { exports: module.exports, script };
}
