#!/usr/bin/env bash
# Exported files in ONNX Runtime, where there is a Python with it. Exit code 77: skipped.
set -euo pipefail
program=$1 python=$2
[ -x "$python" ] && "$python" -c 'import numpy, onnx, onnxruntime, safetensors' 2>/dev/null ||
  { echo "skipped: no Python with onnx, onnxruntime and safetensors at $python"; exit 77; }
exec "$python" "$(dirname "$0")/../../scripts/parity_onnx.py" --braid "$program" resnet20 cct_2_3x2_32 vit_lite_7_4_32 \
  bert_tiny textcnn_small lightconv_encoder_tiny wav2vec2_conformer_text_tiny \
  transformer_tiny lightconv_tiny lite_transformer_160 \
  'braidnet:stem=conv3x3s2*2,48|C2x64|C2x96|T4x192h6|T2x256h8'
