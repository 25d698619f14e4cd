#!/usr/bin/env bash
# Installs the build given as $1 into a scratch folder, then builds and runs examples/consumer against it.
set -euo pipefail
build=$1 source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
test -f "$scratch/prefix/include/braid/nn/attention/core.h"
test ! -e "$scratch/prefix/include/braid/train/stepper.h"  # not in cmake/public_headers.txt
"$scratch/prefix/bin/braid" models resnet20 >/dev/null
"$scratch/prefix/bin/braid" forward resnet20 --init 0 --save-weights "$scratch/weights.safetensors"
test -s "$scratch/weights.safetensors"
cmake -S "$source/examples/consumer" -B "$scratch/build" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/build"
"$scratch/build/consumer"
