#!/usr/bin/env bash
# buildKernel.sh TARGET: builds a kernel for the disposable hosts, with its modules, into a folder that is not there yet.
set -euo pipefail

# Since 6.16 User-Mode Linux does without ptrace (seccomp=on), which halves the time of everything in a host.
# Debian's own packages of it are older, or lack the packet filter that Docker needs for its name service.
readonly kernel_suite=testing
# What hosts need as modules; everything else that Debian's configuration has as one is left out.
readonly kernel_modules=(
  OVERLAY_FS AUTOFS_FS CONFIGFS_FS BLK_DEV_LOOP BLK_DEV_DM DM_CRYPT DM_FLAKEY DM_SNAPSHOT
  CRYPTO_XTS CRYPTO_ECB CRYPTO_CBC CRYPTO_ESSIV CRYPTO_USER_API_HASH CRYPTO_USER_API_SKCIPHER ENCRYPTED_KEYS
  BRIDGE BRIDGE_NETFILTER VETH TUN IPV6 XFRM_USER XFRM_ALGO NETFILTER_NETLINK NF_CONNTRACK NF_CT_NETLINK NF_NAT
  NETFILTER_XTABLES NETFILTER_XT_NAT NETFILTER_XT_TARGET_MASQUERADE NETFILTER_XT_MATCH_CONNTRACK
  NETFILTER_XT_MATCH_ADDRTYPE IP_NF_IPTABLES IP_NF_FILTER IP_NF_NAT
)
readonly kernel_left_out=(XFS_FS BTRFS_FS JFS_FS REISERFS_FS DEBUG_INFO MODULE_SIG SCSI ATA SOUND WLAN USB_SUPPORT LOCALVERSION_AUTO)

target=$1
mkdir -p "$(dirname "$target")"
directory=$(mktemp -d -p "$(dirname "$target")")
trap 'rm -rf "$directory"' EXIT

# From the machine's own mirror, into DIRECTORY/source; the machine's list of packages stays as it is.
fetch_kernel_source() {
  local directory=$1 mirror name
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "Debian" && $2 == "main" && $3 !~ /security/ && !found { print $3; found = 1 }')
  mkdir -p "$directory"/apt/{lists,cache}/partial "$directory/source"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$mirror" "$kernel_suite" >"$directory/apt/sources.list"
  local options=(-o "Dir::Etc::SourceList=$directory/apt/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$directory/apt/lists" -o "Dir::Cache=$directory/apt/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" -o Acquire::Languages=none update
  name=$(apt-cache "${options[@]}" depends linux-source | awk '/Depends:/ && !found { print $2; found = 1 }')
  (cd "$directory/apt" && apt-get "${options[@]}" download "$name" && dpkg-deb --extract ./*.deb .)
  tar --extract --file "$directory"/apt/usr/src/linux-source-*.tar.xz --directory "$directory/source" --strip-components=1
  rm -r "$directory/apt"
}

# Debian's own configuration of its older kernel, made small.
configure_kernel() {
  local source=$1 wanted each
  wanted=$(IFS='|' && printf '%s' "${kernel_modules[*]}")
  linux.uml --showconfig | sed -E "/^CONFIG_($wanted)=m$/!s/^(CONFIG_[A-Z0-9_]+)=m$/# \1 is not set/" >"$source/.config"
  for each in "${kernel_left_out[@]}"; do "$source/scripts/config" --file "$source/.config" --disable "$each"; done
  "$source/scripts/config" --file "$source/.config" --enable DEBUG_INFO_NONE --enable NETFILTER_XTABLES_LEGACY --set-str SYSTEM_TRUSTED_KEYS ''
  make -C "$source" ARCH=um olddefconfig
}

fetch_kernel_source "$directory"
configure_kernel "$directory/source"
make -C "$directory/source" ARCH=um -j"$(nproc)" linux modules
make -C "$directory/source" ARCH=um INSTALL_MOD_PATH="$directory/installed" modules_install
mkdir "$directory/kernel"
mv "$directory/source/linux" "$directory/kernel/linux.uml"
mv "$directory/installed/lib/modules" "$directory/kernel/modules"
rm -f "$directory"/kernel/modules/*/{build,source}
mv -T "$directory/kernel" "$target"
