#!/usr/bin/env bash
# Debian's libraries for aarch64, in build/aarch64/sysroot, where cmake/aarch64.cmake looks for them. apt works on lists
# and a state of its own there, so that the machine's own packages stay as they are. Does nothing the second time.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/build/aarch64
root=$work/sysroot
packages=(
  libcli11-dev nlohmann-json3-dev libtomlplusplus-dev libfmt-dev libturbojpeg0-dev libjpeg-dev libpng-dev libwebp-dev
  libtiff-dev libgif-dev
  libcurl4-openssl-dev libssl-dev libprotozero-dev libsentencepiece-dev libboost-dev zlib1g-dev
  libgtest-dev libgmock-dev librapidcheck-dev
)
stamp=$root/packages
[ "$(cat "$stamp" 2>/dev/null)" != "${packages[*]}" ] || exit 0
command -v apt-get >/dev/null || { echo "aarch64_sysroot: expected apt-get, which this is made for" >&2; exit 1; }

echo "aarch64_sysroot: fetching Debian's libraries for aarch64 (50 MB)"
state=$work/apt
rm -rf "$root" "$state"
mkdir -p "$root" "$state"/{lists,cache/archives}/partial
: >"$state/status"
apt_get() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Install-Recommends=false \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=3 -o Debug::NoLocking=1 \
    -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::State::lists="$state/lists" \
    -o Dir::Cache="$state/cache" "$@"
}
apt_get update
apt_get install --download-only -y "${packages[@]}" >/dev/null
for package in "$state"/cache/archives/*.deb; do dpkg -x "$package" "$root"; done
# Links into / would lead out of the sysroot.
find "$root" -type l -lname '/*' | while IFS= read -r link; do ln -sfr "$root$(readlink "$link")" "$link"; done
rm -rf "$state"
echo "${packages[*]}" >"$stamp"
