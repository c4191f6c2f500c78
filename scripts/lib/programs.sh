# Sourced: what no Debian package has in the version that is needed, and the project itself.

readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/lockstep
# Later versions carry directives that `go install` refuses.
readonly compose_module=github.com/docker/compose/v2/cmd@v2.28.1

ensure_node() {
  if ! command -v node >/dev/null; then refuse 'there is no node on PATH' 'install Node.js 20 or 22: https://nodejs.org/en/download'; fi
  local supported='const [a, b] = process.versions.node.split(".").map(Number); process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)'
  if ! node -e "$supported"; then refuse "Node.js $(node --version) does not fit" 'install 20.19 or later, or 22.12 or later'; fi
}

# The plugin of the machine's own Docker serves as well as one that is built.
ensure_compose() {
  local plugin=$cache/bin/docker-compose directory
  if [[ -x $plugin ]]; then return; fi
  mkdir -p "$cache/bin"
  for directory in {/usr/local,/usr}/{lib,libexec}/docker/cli-plugins; do
    if [[ -x $directory/docker-compose ]]; then
      ln -sf "$directory/docker-compose" "$plugin"
      return
    fi
  done
  if ! command -v go >/dev/null; then
    refuse 'neither docker compose 2 nor go is installed' "install Go 1.21 or later (https://go.dev/dl), or put the program docker-compose 2 at $plugin"
  fi
  step 'building docker compose (one to five minutes, once)' build_compose "$plugin"
}

build_compose() {
  local directory
  directory=$(mktemp -d -p "$cache")
  trap 'rm -rf "$directory"' EXIT
  GOBIN=$directory go install -ldflags '-s -w -X github.com/docker/compose/v2/internal.Version=v2.28.1' "$compose_module"
  mv "$directory/cmd" "$1"
}

ensure_dependencies() {
  if node scripts/lib/dependenciesInstalled.mjs; then return; fi
  step 'installing the libraries of package-lock.json' npm ci --no-audit --no-fund
}

ensure_build() {
  local mark=dist/.built
  if [[ -e $mark && -z $(find src scripts/bundle package.json tsconfig.json tsconfig.build.json -newer "$mark" -print -quit) ]]; then return; fi
  step 'building the project' npm run build
  touch "$mark"
}

# The search for it is the worker's own: PATH, cache, the SDK's download, go install.
ensure_temporal() {
  if command -v temporal >/dev/null || [[ -x $cache/bin/temporal ]]; then return; fi
  step 'fetching the Temporal server (some minutes where it has to be built, once)' node scripts/lib/fetchTemporal.mjs
}

# Tests skip time with a server of their own, which comes as jars.
ensure_test_server() {
  if [[ -d $cache/test-server/lib ]]; then return; fi
  step 'fetching the time-skipping test server' fetch_test_server
}

fetch_test_server() {
  local directory
  mkdir -p "$cache"
  directory=$(mktemp -d -p "$cache")
  trap 'rm -rf "$directory"' EXIT
  cp scripts/lib/testServer.pom.xml "$directory/pom.xml"
  mvn --batch-mode --quiet --file "$directory/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$directory/lib"
  rm "$directory/pom.xml"
  chmod 755 "$directory"
  mv "$directory" "$cache/test-server"
}
