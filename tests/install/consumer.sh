#!/usr/bin/env bash
# Installs the build given as $1 into a scratch folder, then builds and runs examples/consumer against it.
set -euo pipefail
build=$1 source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
test -x "$scratch/prefix/bin/braid"
test -f "$scratch/prefix/include/braid/nn/attention/core.h"
test ! -e "$scratch/prefix/include/braid/train/stepper.h"  # not in cmake/public_headers.txt
cmake -S "$source/examples/consumer" -B "$scratch/build" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/build"
"$scratch/build/consumer"
