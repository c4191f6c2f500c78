#!/bin/sh
# First process of the guest. The machine's own files are below, read-only; an overlay on the guest's
# disk makes them writable, and systemd takes over in it.
set -e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
insmod "$GUEST_MODULES/kernel/fs/overlayfs/overlay.ko"

mkdir /run/disk /run/root
mount -t ext4 -o noatime,noinit_itable /dev/ubda /run/disk
mount -t overlay -o lowerdir=/,upperdir=/run/disk/upper,workdir=/run/disk/work overlay /run/root

# Docker's own overlays cannot lie on an overlay, so its data lies on the disk itself.
for name in docker containerd; do
  mkdir -p /run/disk/$name
  mount --bind /run/disk/$name /run/root/var/lib/$name
done
mount -t tmpfs -o mode=1777 tmpfs /run/root/tmp
echo "$GUEST_NAME" >/run/root/etc/hostname
unset GUEST_NAME GUEST_MODULES

ip link set lo up
ip address add 10.99.0.2/24 dev vec0
ip link set vec0 up

mount --move /proc /run/root/proc
mount --move /sys /run/root/sys
mount --move /dev /run/root/dev
# A chroot alone would leave the machine's root as the namespace's: docker exec would land in it.
cd /run/root
pivot_root . .machine
umount -l /.machine
exec chroot . /lib/systemd/systemd </dev/console >/dev/console 2>&1
