import { build } from 'esbuild';
import { join } from 'node:path';
import { projectRoot } from '../../guest/index.js';

/**
 * Bundles the application, with its database driver, to one CommonJS file for Node 18 (Debian 12's
 * package), so that a container needs nothing but `node FILE`.
 *
 * @param outFile - Where the bundle is written, for example `/var/cache/supersync-server.cjs`.
 * @throws Error when the bundle cannot be made or written.
 */
export async function bundleApplication(outFile: string): Promise<void> {
  // From the sources, wherever this module itself was built into.
  const entry = join(projectRoot(), 'src', 'rehearsal', 'deployment', 'application', 'main.ts');
  await build({
    entryPoints: [entry],
    outfile: outFile,
    bundle: true,
    platform: 'node',
    target: 'node18',
    format: 'cjs',
    external: ['pg-native'],
    logLevel: 'silent',
  });
}
