import { randomBytes } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ifPresent } from '../../../host/failure.js';
import type { Run } from '../../../host/processes/runner.js';
import { guestAddress } from '../network.js';
import { findKernel } from '../kernel.js';
import { guestSource } from '../projectFiles.js';

/** What the guest's own layer is made of. */
export interface UpperLayerSettings {
  readonly run: Run;
  /** Filled with `upper`, `work` and `docker`, the folders at the root of the guest's disk. */
  readonly tree: string;
  /** The image's folder, which receives the keys. */
  readonly imageDirectory: string;
  /** The program that is `docker compose`. */
  readonly composePlugin: string;
}

/** Folders of the machine that the guest shall not see through its own. */
export const opaqueDirectories = [
  'etc/docker',
  'etc/lockstep',
  'etc/modules-load.d',
  'etc/systemd',
  'root/.docker',
  'root/.gnupg',
  'root/.ssh',
  'var/lib/lockstep',
  'var/log/journal',
];

/** Units of the machine's packages that a disposable host has no use for; each costs time at boot. */
const maskedUnits = [
  'cryptsetup.target',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'getty.target',
  'integritysetup.target',
  'kmod-static-nodes.service',
  'proc-sys-fs-binfmt_misc.automount',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-ask-password-console.path',
  'systemd-ask-password-wall.path',
  'systemd-binfmt.service',
  'systemd-firstboot.service',
  'systemd-hwdb-update.service',
  'systemd-initctl.socket',
  'systemd-journald-audit.socket',
  'systemd-logind.service',
  'systemd-machine-id-commit.service',
  'systemd-pcrphase-sysinit.service',
  'systemd-pcrphase.service',
  'systemd-random-seed.service',
  'systemd-repart.service',
  'systemd-sysusers.service',
  'systemd-timesyncd.service',
  'systemd-tmpfiles-clean.timer',
  'systemd-udev-trigger.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
  'systemd-udevd.service',
  'systemd-update-utmp-runlevel.service',
  'systemd-update-utmp.service',
  'systemd-user-sessions.service',
  'tmp.mount',
  'veritysetup.target',
];

/** What starts with the guest; the machine's own choice is hidden with its /etc/systemd. */
const enabledUnits: readonly (readonly [unit: string, wantedBy: string])[] = [
  ['/etc/systemd/system/dropbear.service', 'sysinit.target'],
  ['/usr/lib/systemd/system/containerd.service', 'multi-user.target'],
  ['/usr/lib/systemd/system/docker.service', 'multi-user.target'],
  ['/usr/lib/systemd/system/docker.socket', 'sockets.target'],
];

/**
 * The guest's kernel filters packets by the older of two interfaces only. Docker needs it in each
 * container's network, for the name service that finds one container from another.
 */
const packetFilters = ['iptables', 'iptables-save', 'iptables-restore', 'ip6tables', 'ip6tables-save', 'ip6tables-restore'];

/** Writes what a guest's disk holds when it is new. */
export async function writeUpperLayer(settings: UpperLayerSettings): Promise<void> {
  const upper = join(settings.tree, 'upper');
  for (const directory of ['work', 'docker']) await mkdir(join(settings.tree, directory), { recursive: true });
  await cp(guestSource('files', 'upper'), upper, { recursive: true });
  for (const directory of [...opaqueDirectories, '.machine', 'var/lib/docker', 'var/lib/containerd', 'tmp', 'etc/dropbear']) {
    await mkdir(join(upper, directory), { recursive: true });
  }
  // A machine that is itself a container has this file; systemd would then take the guest for one, and
  // leave to others what a host does at its end: write and release its disks.
  await settings.run('mknod', [join(upper, '.dockerenv'), 'c', '0', '0']);
  await writeAccounts(upper);
  await writeUnits(upper);
  for (const program of packetFilters) {
    const legacy = `/usr/sbin/${program.replace('tables', 'tables-legacy')}`;
    await link(legacy, join(upper, 'etc/alternatives', program));
  }
  const { version, modules } = await findKernel();
  await link(modules, join(upper, 'usr/lib/modules', version));
  const plugin = join(upper, 'usr/local/lib/docker/cli-plugins/docker-compose');
  await mkdir(dirname(plugin), { recursive: true });
  await copyFile(settings.composePlugin, plugin);
  await chmod(plugin, 0o755);

  // Whatever the umask of the person who prepares it: users of the guest other than root read these.
  await settings.run('chmod', ['-R', 'u+rwX,go+rX', upper]);
  for (const secret of ['root', 'root/.gnupg', 'root/.ssh']) await chmod(join(upper, secret), 0o700);
  await chmod(join(upper, 'tmp'), 0o1777);
  await writeKeys(settings, upper);
}

async function writeAccounts(upper: string): Promise<void> {
  const accounts = await readFile('/etc/passwd', 'utf8');
  // The machine's root may use a shell that is not at hand, or a home that is elsewhere.
  await writeFile(join(upper, 'etc/passwd'), accounts.replace(/^root:.*$/m, 'root:x:0:0:root:/root:/bin/bash'));
  await writeFile(join(upper, 'etc/machine-id'), `${randomBytes(16).toString('hex')}\n`);
  for (const empty of ['fstab', 'crypttab', 'resolv.conf', 'environment']) await writeFile(join(upper, 'etc', empty), '');
}

async function writeUnits(upper: string): Promise<void> {
  const units = join(upper, 'etc/systemd/system');
  for (const unit of maskedUnits) await link('/dev/null', join(units, unit));
  for (const [unit, wantedBy] of enabledUnits) await link(unit, join(units, `${wantedBy}.wants`, unit.slice(unit.lastIndexOf('/') + 1)));
  await link('/usr/lib/systemd/system/multi-user.target', join(units, 'default.target'));
  // Generators make units from the machine's fstab, init scripts and databases.
  const generators = (await ifPresent(readdir('/usr/lib/systemd/system-generators'))) ?? [];
  for (const generator of generators) await link('/dev/null', join(upper, 'etc/systemd/system-generators', generator));
}

async function writeKeys({ run, imageDirectory }: UpperLayerSettings, upper: string): Promise<void> {
  const hostKey = join(upper, 'etc/dropbear/host_key');
  await rm(hostKey, { force: true });
  const { stdout } = await run('dropbearkey', ['-t', 'ed25519', '-f', hostKey]);
  const publicKey = stdout.split('\n').find((line) => line.startsWith('ssh-ed25519 '));
  if (publicKey === undefined) throw new Error('dropbearkey printed no public key');
  await writeFile(join(imageDirectory, 'known_hosts'), `${guestAddress} ${publicKey}\n`);

  const key = join(imageDirectory, 'id_ed25519');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'lockstep-rehearsal', '-f', key]);
  const authorizedKeys = join(upper, 'root/.ssh/authorized_keys');
  await copyFile(`${key}.pub`, authorizedKeys);
  await chmod(authorizedKeys, 0o600);
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await symlink(target, path);
}
