#!/usr/bin/env bash
# Models from timm to braid and back, where there is a Python with timm. Exit code 77: skipped.
set -euo pipefail
program=$1 python=$2
[ -x "$python" ] || { echo "skipped: no Python at $python; scripts/oracle.sh sets it up"; exit 77; }
exec "$python" "$(dirname "$0")/timm_round_trip.py" --braid "$program"
