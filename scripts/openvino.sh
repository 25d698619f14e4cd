#!/usr/bin/env bash
# Installs OpenVINO into .venv, where CMake finds it: its wheel carries C++ headers and CMake files. `make openvino` builds
# braid with it afterwards. Nothing is done when it is there already.
#   BRAID_OPENVINO_VERSION  wheel to install  (2026.4.1, the one that is tested)
set -euo pipefail
cd "$(dirname "$0")/.."
version=${BRAID_OPENVINO_VERSION:-2026.4.1}

if compgen -G ".venv/lib/python3*/site-packages/openvino-$version.dist-info" >/dev/null; then exit 0; fi
[ -x .venv/bin/pip ] || python3 -m venv .venv || { echo "openvino: expected python3 with venv" >&2; exit 1; }
echo "openvino: installing openvino==$version into .venv"
# Without numpy and the telemetry that its Python half asks for.
.venv/bin/pip install -q --disable-pip-version-check --no-deps "openvino==$version" ||
  { echo "openvino: pip could not install openvino==$version; remedy: run it once with access to PyPI" >&2; exit 1; }
