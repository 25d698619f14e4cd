#!/usr/bin/env bash
# Fuzzes every parser of foreign bytes under AddressSanitizer and UBSan, BRAID_FUZZ_SECONDS each (60).
# A crash leaves its input in build/fuzz/crashes and ends with an error.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v clang++-14 >/dev/null; then
  sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends clang-14 libclang-rt-14-dev >/dev/null
fi
cmake --preset fuzz --log-level=WARNING >/dev/null
cmake --build --preset fuzz
mkdir -p build/fuzz/crashes
for target in build/fuzz/bin/fuzz_*; do
  name=$(basename "$target")
  corpus=build/fuzz/corpus/$name
  mkdir -p "$corpus"
  seeds=()
  [ -d "tests/fuzz/seeds/$name" ] && seeds=("tests/fuzz/seeds/$name")
  echo "== $name"
  log=build/fuzz/$name.log
  status=0
  "$target" -max_total_time="${BRAID_FUZZ_SECONDS:-60}" -max_len=4096 -rss_limit_mb=2048 -verbosity=0 \
    -print_final_stats=1 -artifact_prefix=build/fuzz/crashes/ "$corpus" "${seeds[@]}" >"$log" 2>&1 || status=$?
  grep -E "executed|ERROR|SUMMARY" "$log" || true
  if [ "$status" -ne 0 ]; then
    tail -n 40 "$log" >&2
    echo "fuzz: $name crashed (exit code $status); its input lies in build/fuzz/crashes" >&2
    exit 1
  fi
done
