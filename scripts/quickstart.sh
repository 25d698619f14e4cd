#!/usr/bin/env bash
# The main job on a small scale: a CNN, a Transformer and their fusion on Fashion-MNIST, a minute of training each.
set -euo pipefail
cd "$(dirname "$0")/.."
build/bin/braid compare --data fashion-mnist --models resnet20,vit_lite_7_4_32,cct_2_3x2_32 \
  --budget "time=${BRAID_QUICKSTART_BUDGET:-60s}" --output "${1:-runs/quickstart}"
