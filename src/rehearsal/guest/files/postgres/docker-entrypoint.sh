#!/bin/bash
# Starts PostgreSQL as the official image does, as far as a migration can tell: the same environment,
# the same refusals, the same first initialisation.
set -euo pipefail
shopt -s nullglob

main() {
  if [[ $# -eq 0 || ${1:0:1} == - ]]; then set -- postgres "$@"; fi
  if [[ $1 == postgres ]]; then
    if [[ $(id -u) == 0 ]]; then become_postgres "$@"; fi
    prepare_cluster "$@"
  fi
  exec "$@"
}

become_postgres() {
  mkdir -p "$PGDATA" /run/postgresql
  chmod 700 "$PGDATA"
  chmod 2775 /run/postgresql
  find "$PGDATA" ! -user postgres -exec chown postgres {} +
  find /run/postgresql ! -user postgres -exec chown postgres {} +
  exec setpriv --reuid postgres --regid postgres --clear-groups --inh-caps=-all "$BASH_SOURCE" "$@"
}

prepare_cluster() {
  # Read on every start, not only the first: the exclusivity holds for an existing cluster too.
  from_environment_or_file POSTGRES_PASSWORD
  from_environment_or_file POSTGRES_USER postgres
  from_environment_or_file POSTGRES_DB "$POSTGRES_USER"
  from_environment_or_file POSTGRES_INITDB_ARGS
  mkdir -p "$PGDATA"
  if [[ -s $PGDATA/PG_VERSION ]]; then
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
    return
  fi
  initialise "$@"
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

# Sets $1 from the environment, from the file that $1_FILE names, or to the default $2.
from_environment_or_file() {
  local name=$1 value=${2-} file_name=$1_FILE
  if [[ -n ${!name-} && -n ${!file_name-} ]]; then
    printf >&2 'error: both %s and %s are set (but are exclusive)\n' "$name" "$file_name"
    exit 1
  fi
  if [[ -n ${!name-} ]]; then
    value=${!name}
  elif [[ -n ${!file_name-} ]]; then
    value=$(<"${!file_name}")
  fi
  export "$name=$value"
  unset "$file_name"
}

initialise() {
  local method=${POSTGRES_HOST_AUTH_METHOD-}
  if [[ -z $POSTGRES_PASSWORD && $method != trust ]]; then
    printf >&2 '%s\n' 'Error: Database is uninitialized and superuser password is not specified.' \
      '       You must specify POSTGRES_PASSWORD to a non-empty value for the superuser.'
    exit 1
  fi
  # POSTGRES_INITDB_ARGS is a list of words by definition.
  # shellcheck disable=SC2086
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --pgdata="$PGDATA" $POSTGRES_INITDB_ARGS
  printf '\nhost all all all %s\n' "${method:-$(postgres -C password_encryption)}" >>"$PGDATA/pg_hba.conf"

  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p ${PGPORT:-5432}" -w start
  if [[ $POSTGRES_DB != postgres ]]; then
    printf 'CREATE DATABASE :"db";\n' | query --dbname=postgres --set=db="$POSTGRES_DB"
  fi
  local file
  for file in /docker-entrypoint-initdb.d/*; do run_initialisation_file "$file"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
}

run_initialisation_file() {
  printf '%s: running %s\n' "$0" "$1"
  case $1 in
    *.sh) if [[ -x $1 ]]; then "$1"; else . "$1"; fi ;;
    *.sql) query --dbname="$POSTGRES_DB" --file="$1" ;;
    *.sql.gz) gunzip -c "$1" | query --dbname="$POSTGRES_DB" ;;
    *) printf '%s: ignoring %s\n' "$0" "$1" ;;
  esac
}

query() {
  PGPASSWORD=$POSTGRES_PASSWORD psql --no-psqlrc --no-password --username="$POSTGRES_USER" --set=ON_ERROR_STOP=1 "$@"
}

main "$@"
