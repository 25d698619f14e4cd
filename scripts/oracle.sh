#!/usr/bin/env bash
# Installs the reference implementations that parity and benchmarks compare with into .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ ! -x .venv/bin/pip ]; then
  echo "oracle: no .venv; run scripts/bootstrap.sh without Torch_DIR and CMAKE_PREFIX_PATH first" >&2
  exit 1
fi
.venv/bin/python -c 'import importlib.util as u, sys
sys.exit(any(u.find_spec(m) is None for m in ("timm", "safetensors", "fvcore", "transformers", "tensorboard", "PIL")))' && exit
.venv/bin/pip install -q --disable-pip-version-check --no-deps torchvision==0.28.0 timm==1.0.31
.venv/bin/pip install -q --disable-pip-version-check huggingface_hub safetensors pyyaml pillow numpy tensorboard \
  fvcore transformers
