#!/usr/bin/env bash
# The main job on a small scale: a CNN, a Transformer and their fusion on Fashion-MNIST, 45 seconds of training each.
set -euo pipefail
cd "$(dirname "$0")/.."
build/bin/braid compare --data fashion-mnist --models resnet20,vit_lite_2_4_32,cct_2_3x2_32 \
  --budget "time=${BRAID_QUICKSTART_BUDGET:-45s}" --distill --output "${1:-runs/quickstart}"
