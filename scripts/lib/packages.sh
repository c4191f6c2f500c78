# Sourced: the programs that come from Debian's packages.

# Program or path, and the package that has it.
readonly rehearsal_programs=(
  blkid:util-linux
  cryptsetup:cryptsetup-bin
  dbus-daemon:dbus
  debootstrap:debootstrap
  docker:docker.io
  dockerd:docker.io
  dropbear:dropbear-bin
  gpg:gnupg
  ip:iproute2
  iptables-legacy:iptables
  linux.uml:user-mode-linux
  losetup:mount
  mkfs.ext4:e2fsprogs
  modprobe:kmod
  rsync:rsync
  socat:socat
  ssh:openssh-client
  systemctl:systemd
  zstd:zstd
)
readonly test_programs=(
  bc:bc
  bison:bison
  curl:curl
  file:file
  flex:flex
  gcc:gcc
  git:git
  iostat:sysstat
  jq:jq
  logrotate:logrotate
  make:make
  openssl:openssl
  pgrep:procps
  /usr/lib/postgresql/15/bin/initdb:postgresql-15
  java:default-jre-headless
  mvn:maven
  xz:xz-utils
)

# What some of these packages would start, now or at the next boot.
readonly package_services=(docker.service docker.socket containerd.service logrotate.timer postgresql.service)

# ensure_programs PROGRAM:PACKAGE...
ensure_programs() {
  local entry missing=()
  for entry in "$@"; do
    if ! command -v "${entry%:*}" >/dev/null; then missing+=("${entry#*:}"); fi
  done
  if ((${#missing[@]} == 0)); then return; fi
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  local command=(apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "${missing[@]}")
  if ! command -v apt-get >/dev/null; then
    refuse "programs of these Debian packages are missing: ${missing[*]}" 'install what your system calls them'
  fi
  if [[ $(id -u) != 0 ]]; then refuse "packages are missing: ${missing[*]}" "type: sudo ${command[*]}"; fi
  step "installing ${missing[*]}" install_packages "${command[@]}"
}

# A set-up must not start services on the machine: not now (policy-rc.d), and not at its next boot.
install_packages() {
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
  local service present=()
  for service in "${package_services[@]}"; do
    if systemctl cat "$service" >/dev/null 2>&1; then present+=("$service"); fi
  done
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
  fi
  apt-get update --quiet
  "$@"
  for service in "${package_services[@]}"; do
    if [[ " ${present[*]} " != *" $service "* && -e /usr/lib/systemd/system/$service ]]; then
      systemctl disable --quiet "$service"
    fi
  done
}
