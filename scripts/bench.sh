#!/usr/bin/env bash
# Speed against others: training against PyTorch with timm and transformers, inference against ONNX Runtime and OpenVINO too,
# and what the loader gives alone. Flags are train_ratio.py's.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/oracle.sh
.venv/bin/python -c 'import onnxruntime, openvino' 2>/dev/null ||
  .venv/bin/pip install -q --disable-pip-version-check onnxruntime openvino
.venv/bin/python bench/train_ratio.py --settings all "$@"
.venv/bin/python bench/inference_ratio.py
build/bin/bench_loader
