#!/usr/bin/env bash
# Fetches the charting library of report.html (Vega and Vega-Lite, minified) into FOLDER, build/charts by default.
# usage: scripts/fetch_charts.sh [FOLDER]
#
# It comes out of a PyPI wheel, because bootstrap.sh installs pip anyway and npm is several hundred Debian
# packages. altair_viewer is the smallest wheel that carries the two files unbundled (0.8 MB, BSD-3-Clause).
# The wheel's hash is checked by pip, the files' by sha256sum. Nothing is done when they are there already.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build/charts}

wheel="altair_viewer==0.4.0 --hash=sha256:5da49c52ad9fc56b823cc479b8e5332324d1544b3f7ae4939c25a8585eae5245"
vega=3b12459f256a971ac4ec45064c5152ff799e393456a96eb7c3270fc4554c1688       # 5.21.0
vega_lite=ae85e6718f5b505f75b81f55f9e4845071207f0a177ba075c680cfb887b9a2ef  # 4.17.0

check() {
  (cd "$1" && printf '%s  %s\n' "$vega" vega.min.js "$vega_lite" vega-lite.min.js | sha256sum --check --status) \
    2>/dev/null
}
fail() {
  echo "fetch_charts.sh: $1; remedy: run it once with access to PyPI, or put vega.min.js and" \
       "vega-lite.min.js of that wheel into $folder" >&2
  exit 1
}

if check "$folder"; then exit 0; fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python=.venv/bin/python
if ! "$python" -m pip --version >/dev/null 2>&1; then  # LibTorch came some other way
  python3 -m venv "$scratch/venv" >/dev/null 2>&1 || fail "expected python3 with venv (scripts/bootstrap.sh installs it)"
  python=$scratch/venv/bin/python
fi
echo "$wheel" >"$scratch/requirements.txt"
if ! "$python" -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
    --requirement "$scratch/requirements.txt" --dest "$scratch" >"$scratch/log" 2>&1; then
  fail "pip could not download ${wheel%% *} ($(grep -v '^WARNING' "$scratch/log" | tail -n 1))"
fi
"$python" -m zipfile --extract "$scratch"/altair_viewer-*.whl "$scratch"
mkdir -p "$folder"
# Moved into place, so that a kill in between leaves no half file.
for file in vega-5.21.0 vega-lite-4.17.0; do
  cp "$scratch/altair_viewer/scripts/$file.js" "$folder/.part"
  mv "$folder/.part" "$folder/${file%-*}.min.js"
done
check "$folder" || fail "expected the pinned checksums, got other files in $folder"
