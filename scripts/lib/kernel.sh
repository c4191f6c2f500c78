# Sourced: a kernel for the disposable hosts that is quicker than the one of Debian's package.

# Where it cannot be had, hosts run Debian's.
ensure_kernel() {
  if [[ -d $cache/kernel ]]; then return; fi
  if ! command -v apt-get >/dev/null || ! (step 'building the kernel of the disposable hosts (three to twenty minutes, once)' scripts/lib/buildKernel.sh "$cache/kernel"); then
    printf "Disposable hosts run the kernel of Debian's package, which takes twice the time.\n" >&2
  fi
}
