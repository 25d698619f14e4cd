#!/usr/bin/env bash
# Sets up a Debian machine: packages, then LibTorch. Safe to run again; does nothing the second time.
#
#   scripts/bootstrap.sh           what building and running braid needs
#   scripts/bootstrap.sh --tests   and what its tests need
#   scripts/bootstrap.sh --aarch64 and what compiles and runs braid-run for aarch64
#
# LibTorch is taken from the first of: Torch_DIR or CMAKE_PREFIX_PATH; the torch wheel in .venv (installed here when
# neither of the others is there); a distribution's libtorch-dev >= 2.6. Python only carries the wheel.
#   BRAID_TORCH_VERSION  wheel to install                              (2.13.0)
#   BRAID_TORCH_INDEX    wheel index; "" means pip's own default       (PyTorch's CPU index unless an NVIDIA GPU is there)
#   BRAID_SKIP_APT=1     the packages are installed some other way
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "bootstrap: $*" >&2; exit 1; }

build_packages=(
  build-essential cmake ninja-build ccache mold pkg-config git ca-certificates
  python3 python3-venv libcli11-dev nlohmann-json3-dev libtomlplusplus-dev libfmt-dev
  libturbojpeg0-dev libjpeg-dev libpng-dev libwebp-dev libtiff-dev libgif-dev libcurl4-openssl-dev libssl-dev libprotozero-dev
  libsentencepiece-dev libboost-dev
  libjemalloc-dev zlib1g-dev libbenchmark-dev dataset-fashion-mnist
)
test_packages=(libgtest-dev libgmock-dev librapidcheck-dev clang-format chromium)
cross_packages=(g++-aarch64-linux-gnu qemu-user-static)

packages=("${build_packages[@]}")
[ "${1:-}" = --tests ] && packages+=("${test_packages[@]}")
[ "${1:-}" = --aarch64 ] && packages+=("${cross_packages[@]}")

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  [ "${BRAID_SKIP_APT:-0}" = 1 ] && die "missing packages: ${missing[*]}; install them or unset BRAID_SKIP_APT"
  command -v apt-get >/dev/null || die "apt-get not found; install the equivalents of: ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "root or sudo is needed to install: ${missing[*]}"
    sudo=(sudo)
  fi
  echo "bootstrap: installing ${#missing[@]} Debian packages: ${missing[*]}"
  apt_get update -qq || echo "bootstrap: apt-get update failed; trying with the old package lists" >&2
  apt_get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

# apt-get that waits up to ten minutes for another program's lock: unattended upgrades hold it on every fresh machine.
# DPkg::Lock::Timeout knows dpkg's lock alone, not that of the package lists.
apt_get() {
  local deadline=$((SECONDS + 600)) output status
  while true; do
    status=0
    output=$("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 "$@" 2>&1) || status=$?
    if [ "$status" -eq 0 ] || ! grep -q 'Could not get lock' <<<"$output" || [ "$SECONDS" -ge "$deadline" ]; then break; fi
    echo "bootstrap: another program holds apt's lock; trying again in 5 s" >&2
    sleep 5
  done
  [ "$status" -eq 0 ] || echo "$output" >&2
  return "$status"
}

has_torch() { [ -e "$1/include/torch/csrc/api/include/torch/torch.h" ]; }

torch_given() {  # an unpacked LibTorch that the caller points at
  local given folder
  if [ -n "${Torch_DIR:-}" ]; then
    has_torch "$Torch_DIR" && return
    has_torch "$Torch_DIR/../../.." && return
  fi
  while IFS= read -r given; do
    [ -n "$given" ] || continue
    for folder in "$given" "$given/torch" "$given/../.."; do
      has_torch "$folder" && return
    done
  done < <(tr ':;' '\n\n' <<<"${CMAKE_PREFIX_PATH:-}")
  return 1
}

torch_in_venv() {
  local folder
  for folder in .venv/lib/python3*/site-packages/torch; do
    has_torch "$folder" && return
  done
  return 1
}

torch_packaged() {
  local version
  version=$(dpkg-query -W -f '${Version}' libtorch-dev 2>/dev/null) || return 1
  dpkg --compare-versions "$version" ge 2.6
}

install_torch_wheel() {
  local version=${BRAID_TORCH_VERSION:-2.13.0} index
  [ -x .venv/bin/pip ] || python3 -m venv .venv || return 1
  if [ -e /proc/driver/nvidia/version ]; then index=${BRAID_TORCH_INDEX-}
  else index=${BRAID_TORCH_INDEX-https://download.pytorch.org/whl/cpu}; fi
  if [ -n "$index" ]; then
    # An index that does not answer within seconds is not waited for.
    if .venv/bin/python -c "import sys, urllib.request; urllib.request.urlopen(sys.argv[1] + '/torch/', timeout=8)" \
         "$index" 2>/dev/null; then
      echo "bootstrap: installing torch==$version from $index"
      .venv/bin/pip install -q --disable-pip-version-check --timeout 30 --retries 1 --index-url "$index" \
        "torch==$version" && return
    fi
    echo "bootstrap: $index cannot be used; falling back to pip's default" >&2
  fi
  echo "bootstrap: installing torch==$version from pip's default index (its Linux build may be the CUDA one, gigabytes)"
  .venv/bin/pip install -q --disable-pip-version-check "torch==$version"
}

install_packages
if torch_given || torch_in_venv; then
  :
elif ! install_torch_wheel && ! torch_packaged; then
  die "LibTorch >= 2.6 could not be had: set Torch_DIR to an unpacked libtorch, or let pip reach torch==${BRAID_TORCH_VERSION:-2.13.0} (BRAID_TORCH_INDEX)"
fi
# Some tests have TensorBoard, huggingface_hub and timm read what braid writes, and tritonclient ask it; without them they are skipped.
if [ "${1:-}" = --tests ] && [ -x .venv/bin/pip ]; then
  has_modules() {
    .venv/bin/python -c 'import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in sys.argv[1:]))' "$@"
  }
  has_modules tensorboard huggingface_hub safetensors yaml PIL numpy onnx onnxruntime ||
    .venv/bin/pip install -q --disable-pip-version-check tensorboard huggingface_hub safetensors pyyaml pillow numpy onnx \
      onnxruntime ||
    echo "bootstrap: the Python packages that some tests read with were not installed" >&2
  has_modules timm torchvision ||
    .venv/bin/pip install -q --disable-pip-version-check --no-deps timm==1.0.31 torchvision==0.28.0 ||
    echo "bootstrap: timm was not installed" >&2
  has_modules tritonclient ||
    .venv/bin/pip install -q --disable-pip-version-check 'tritonclient[http]==2.73.0' ||
    echo "bootstrap: tritonclient was not installed" >&2
fi
# PyPI's clang-tidy, three times as fast as Debian 12's: it does not look into LibTorch's headers.
tidy_version=23.1.4
if [ "${1:-}" = --tests ] && ! .venv/bin/clang-tidy --version 2>/dev/null | grep -qF "version $tidy_version"; then
  { [ -x .venv/bin/pip ] || python3 -m venv .venv; } &&
    .venv/bin/pip install -q --disable-pip-version-check "clang-tidy==$tidy_version" ||
    echo "bootstrap: clang-tidy was not installed; make check will end with scripts/check_tidy.py" >&2
fi
