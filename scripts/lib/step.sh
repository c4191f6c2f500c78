# Sourced: runs one step of a set-up and shows that it goes on.

# step TITLE COMMAND...: the command's words go to a log, which is shown if it fails. After two seconds
# its elapsed time is shown, ticking on a terminal and every 15 s elsewhere.
step() {
  local title=$1 log pid status=0 began=$SECONDS elapsed told=0
  shift
  log=$(mktemp)
  # With job control it gets a process group of its own, so that Ctrl-C can end all of it.
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  set +m
  trap 'kill -- "-$pid" 2>/dev/null; exit 130' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.1
    elapsed=$((SECONDS - began))
    if ((elapsed < 2)); then continue; fi
    if [[ -t 2 ]]; then
      printf '\r%s … %d s ' "$title" "$elapsed" >&2
    elif ((elapsed >= told)); then
      printf '%s … %d s\n' "$title" "$elapsed" >&2
      told=$((elapsed + 15))
    fi
  done
  wait "$pid" || status=$?
  trap - INT TERM
  if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
  if ((status == 0)); then
    printf '%s: done in %d s\n' "$title" "$((SECONDS - began))" >&2
    rm -f "$log"
    return
  fi
  printf '%s: failed with status %d. Its last words:\n' "$title" "$status" >&2
  tail -n 20 "$log" >&2
  printf 'All of them are in %s\n' "$log" >&2
  exit "$status"
}

# refuse FACT NEXT_MOVE: ends the set-up.
refuse() {
  printf '%s; %s\n' "$1" "$2" >&2
  exit 1
}
