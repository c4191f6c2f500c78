import { chmod, copyFile, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Run } from '../../../host/processes/runner.js';
import type { ContainerConfiguration } from './dockerArchive.js';

/** The application's image is called so in the deployment's compose file. */
export const applicationTag = 'supersync-server:rehearsal';

/** Starts the one bundled file. */
export const applicationConfiguration: ContainerConfiguration = {
  Env: ['PATH=/usr/bin:/bin', 'NODE_ENV=production'],
  Cmd: ['node', '/srv/server.cjs'],
  WorkingDir: '/srv',
  ExposedPorts: { '1900/tcp': {} },
};

/**
 * Makes the only layer of the application's image: the machine's own Node.js, a shell, the libraries
 * these need, and the bundle. No package manager is asked for anything.
 *
 * @param bundle - One JavaScript file with everything in it.
 * @param scratch - Becomes the layer's root; must not exist.
 * @param layer - The tar file to write.
 */
export async function makeApplicationLayer({
  run,
  bundle,
  scratch,
  layer,
}: {
  run: Run;
  bundle: string;
  scratch: string;
  layer: string;
}): Promise<void> {
  for (const directory of ['etc', 'srv', 'tmp', 'usr/bin', 'usr/lib', 'usr/lib64']) {
    await mkdir(join(scratch, directory), { recursive: true });
  }
  for (const name of ['bin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(scratch, name));
  await chmod(join(scratch, 'tmp'), 0o1777);
  await addProgram(await realpath(process.execPath), 'usr/bin/node');
  await addProgram(await realpath('/bin/sh'), 'usr/bin/sh');
  await writeFile(join(scratch, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  await writeFile(join(scratch, 'etc/group'), 'root:x:0:\n');
  await writeFile(join(scratch, 'etc/nsswitch.conf'), 'hosts: files dns\n');
  await copyFile(bundle, join(scratch, 'srv/server.cjs'));
  await run('tar', ['-C', scratch, '--numeric-owner', '--owner=0', '--group=0', '--sort=name', '-cf', layer, '.'], {
    timeout: 'standard',
  });

  async function addProgram(program: string, to: string): Promise<void> {
    await copyFile(program, join(scratch, to));
    await chmod(join(scratch, to), 0o755);
    const { stdout } = await run('ldd', [program]);
    for (const library of parseLibraries(stdout)) {
      const target = join(scratch, library);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(library, target);
      await chmod(target, 0o755);
    }
  }
}

/** The files that `ldd` names: `libm.so.6 => /lib/…/libm.so.6 (0x…)` and the loader, `/lib64/ld-… (0x…)`. */
export function parseLibraries(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => /(?:=>\s*|^\s+)(\/\S+) \(0x/.exec(line)?.[1])
    .filter((path) => path !== undefined);
}
