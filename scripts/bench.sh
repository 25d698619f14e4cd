#!/usr/bin/env bash
# Every benchmark: training speed against PyTorch + timm, loader throughput, optimizer steps.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/oracle.sh
.venv/bin/python bench/train_ratio.py "$@"
for program in bench_loader bench_optimizer; do
  [ ! -x "build/bin/$program" ] || "build/bin/$program"
done
