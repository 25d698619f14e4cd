#!/usr/bin/env bash
# The main job on a small scale: a CNN, a Transformer and their fusion on Fashion-MNIST, 45 seconds of training each.
set -euo pipefail
cd "$(dirname "$0")/.."
build/bin/braid compare --data fashion-mnist \
  --budget "time=${BRAID_QUICKSTART_BUDGET:-45s}" --distill --output "${1:-runs/quickstart}"
