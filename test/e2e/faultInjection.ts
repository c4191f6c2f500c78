import { setTimeout as sleep } from 'node:timers/promises';
import { createRun } from '../../src/host/processes/runner.js';
import type { Guest } from '../../src/rehearsal/guest/index.js';

const run = createRun();

/** rsync at the rate that a file names, in KiB a second; without the file at its own. */
const rsyncWithRate = `#!/bin/sh
[ "$1" = --version ] && exec /usr/bin/rsync --version
[ -e /run/rsync-rate ] && exec /usr/bin/rsync --bwlimit="$(cat /run/rsync-rate)" "$@"
exec /usr/bin/rsync "$@"
`;

/** Puts a disposable host's parts out of order, and back into it. */
export function createFaults(guest: Guest) {
  const sh = (script: string, ...args: readonly string[]) => guest.expect('sh', ['-ec', script, 'sh', ...args], { timeoutSeconds: 300 });

  return {
    sh,

    /** A filesystem of its own for a directory, so that filling it leaves the host's other files alone. */
    mountSmallDisk: (path: string, sizeMiB: number) =>
      sh('truncate --size "$2M" /var/tmp/small.img; mkfs.ext4 -F -q -m 0 /var/tmp/small.img; mkdir -p "$1"; mount -o loop /var/tmp/small.img "$1"', path, String(sizeMiB)),

    /** Writes until the kernel says that there is no room. */
    fill: (directory: string) => sh('! cat /dev/zero >"$1/filler" 2>/dev/null; sync -f "$1"', directory),
    unfill: (directory: string) => sh('rm "$1/filler"', directory),

    remount: (path: string, mode: 'ro' | 'rw') => sh('mount -o "remount,$2" "$1"', path, mode),

    /** Turns the lowest bit of one byte and leaves size and time of the content as they were, as a bad disk does. A second call turns it back. */
    flipBit: (file: string, offset: number) =>
      sh(
        'touch -r "$1" /run/times; byte=$(od -An -tu1 -j "$2" -N 1 "$1"); printf "\\\\$(printf %03o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; touch -r /run/times "$1"; sync -f "$1"; echo 3 >/proc/sys/vm/drop_caches',
        file,
        String(offset),
      ),

    readByte: async (file: string, offset: number) => Number(await sh('od -An -tu1 -j "$2" -N 1 "$1"', file, String(offset))),

    /** Puts in the place of a file one of the same content whose disk gives nothing but I/O errors. */
    makeUnreadable: (file: string) =>
      sh(
        // Without udev nobody but dmsetup itself makes the device's name.
        `export DM_DISABLE_UDEV=1; truncate --size 32M /var/tmp/failing.img; device=$(losetup --find --show /var/tmp/failing.img); mkfs.ext4 -F -q "$device"
        dmsetup create failing --table "0 $(blockdev --getsz "$device") linear $device 0"
        mkdir -p /mnt/failing; mount /dev/mapper/failing /mnt/failing; cp "$1" /mnt/failing/content; sync -f /mnt/failing
        mount --bind /mnt/failing/content "$1"; echo 3 >/proc/sys/vm/drop_caches
        dmsetup suspend failing; dmsetup load failing --table "0 $(blockdev --getsz "$device") error"; dmsetup resume failing`,
        file,
      ),
    makeReadable: (file: string) => sh('export DM_DISABLE_UDEV=1; umount "$1"; umount /mnt/failing; dmsetup remove failing; losetup --detach "$(losetup --associated /var/tmp/failing.img --noheadings --output NAME)"', file),

    /** A session whose server process does not hear that PostgreSQL is to stop. */
    async holdConnection(container: string, user: string): Promise<void> {
      await sh('docker exec --detach "$1" psql --username="$2" --command="SELECT pg_sleep(3600)"', container, user);
      const query = "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3600)'";
      await sh(
        'pid=; while [ -z "$pid" ]; do sleep 0.5; pid=$(docker exec "$1" psql --username="$2" --no-align --tuples-only --command="$3"); done; docker exec --user root "$1" bash -c "kill -STOP $pid"',
        container,
        user,
        query,
      );
    },

    stopDocker: () => sh('systemctl stop docker.socket docker.service'),
    startDocker: () => sh('systemctl start docker.socket docker.service'),

    /** For the next rsync that is started; undefined: as fast as it goes. */
    setCopyRate: (kibibytesPerSecond: number | undefined) => sh(kibibytesPerSecond === undefined ? 'rm -f /run/rsync-rate' : `echo ${kibibytesPerSecond} >/run/rsync-rate`),
    installCopyRate: () => guest.putFile({ content: rsyncWithRate, to: '/usr/local/bin/rsync', mode: 0o755 }),
    copies: async () => (await guest.exec('pgrep', ['-x', 'rsync'])).exitCode === 0,
    killCopy: () => sh('pkill -KILL -x rsync'),

    moveClock: (hours: number) => sh('date --set "@$(($(date +%s) + $1))"', String(Math.round(hours * 3600))),

    /** Drops what the host sends to the server and what the server sends back; the guest does not notice otherwise. */
    async cutServerOff(port: number, seconds: number): Promise<void> {
      const rules = [['INPUT', '--dport'], ['OUTPUT', '--sport']] as const;
      const filter = (action: '--append' | '--delete') =>
        Promise.all(rules.map(([chain, side]) => run('nsenter', [`--net=/run/netns/lockstep-${guest.name}`, '--', 'iptables', '--wait', action, chain, '--protocol', 'tcp', side, String(port), '--jump', 'DROP'])));
      await filter('--append');
      await sleep(seconds * 1000);
      await filter('--delete');
    },
  };
}

/** What {@link createFaults} makes. */
export type Faults = ReturnType<typeof createFaults>;
