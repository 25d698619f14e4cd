#!/usr/bin/env bash
# Builds the interpreter and its tests for aarch64 on another machine and runs them under qemu-user: operators against ONNX Runtime's
# outputs, hostile files, the C interface. Without decoders of images and SentencePiece, whose libraries are the device's own.
#   scripts/cross_aarch64.sh [--gtest_filter=...]
# Needs Debian's g++-aarch64-linux-gnu, qemu-user-static, libgtest-dev (its sources), libfmt-dev, nlohmann-json3-dev, libprotozero-dev.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/aarch64
mkdir -p "$out"
compiler=aarch64-linux-gnu-g++
command -v "$compiler" >/dev/null && command -v qemu-aarch64-static >/dev/null ||
  { echo "cross_aarch64: apt-get install g++-aarch64-linux-gnu qemu-user-static" >&2; exit 77; }

# The machine's own headers of libraries that are headers alone, by themselves: the rest of /usr/include is another processor's.
headers=$out/include
mkdir -p "$headers"
for name in fmt nlohmann protozero; do ln -sfn "/usr/include/$name" "$headers/$name"; done

sources=(braid/runner/*.cpp braid/runner/ops/*.cpp braid/runner/kernels/choose_kernels.cpp braid/runner/kernels/kernels_baseline.cpp
         braid/core/{error,json,utf8}.cpp braid/io/{atomic_file,posix_file,safetensors}.cpp tests/runner/*.cpp)
gtest=/usr/src/googletest/googletest
flags=(-std=c++20 -O2 -DNDEBUG -DFMT_HEADER_ONLY -Wno-psabi -I. -isystem "$headers" -isystem "$gtest/include"
       "-DBRAID_TEST_SOURCE_DIR=\"$PWD/tests\"")
objects=()
compile() {  # source flags..: unless the object is newer
  local object
  object=$out/$(tr / _ <<<"${1#/}").o
  objects+=("$object")
  [ "$object" -nt "$1" ] || "$compiler" "${@:2}" -c "$1" -o "$object"
}
for source in "${sources[@]}"; do
  case $source in
    */image_input.cpp | */text_input.cpp) ;;
    */kernels_baseline.cpp) compile "$source" "${flags[@]}" -O3 -ffp-contract=fast ;;
    *) compile "$source" "${flags[@]}" ;;
  esac
done
compile "$gtest/src/gtest-all.cc" "${flags[@]}" -I"$gtest"
compile "$gtest/src/gtest_main.cc" "${flags[@]}"
"$compiler" -static "${objects[@]}" -o "$out/test_runner" -pthread
qemu-aarch64-static "$out/test_runner" --gtest_brief=1 "$@"
