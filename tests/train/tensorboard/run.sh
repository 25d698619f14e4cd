#!/usr/bin/env bash
# A short run, its event files read by TensorBoard itself. Exit code 77: skipped.
set -euo pipefail
program=$1 python=$2 data=/usr/share/datasets/fashion-mnist
[ -x "$python" ] || { echo "no Python at $python"; exit 77; }
[ -d "$data" ] || { echo "Debian's dataset-fashion-mnist is not installed"; exit 77; }
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
"$program" train --model vit_lite_2_4_32 --data "$data" --max-steps 3 --val-fraction 0.01 --output "$run/run"
"$python" "$(dirname "$0")/read_events.py" "$run/run"
