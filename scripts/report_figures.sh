#!/usr/bin/env bash
# Pictures of a report's sections for the docs, taken with headless Chromium.
# usage: scripts/report_figures.sh REPORT_HTML FOLDER [SECTION...]
#
# Writes FOLDER/SECTION.png for every SECTION of the report that is asked for, all by default: recommendation models
# pareto fusion curves efficiency robustness shuffle confusion misclassified. `top` is the first screen on a desk, `phone`
# and `dark` are the same on a phone and in the dark theme.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 64; }
report=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
shift 2
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "report_figures.sh: Chromium is not installed (scripts/bootstrap.sh --tests installs it)" >&2
  exit 69
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

chrome() {  # chrome PAGE FLAG...
  local page=$1
  shift
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
    --user-data-dir="$(mktemp -d -p "$scratch")" --hide-scrollbars --virtual-time-budget=10000 "$@" "file://$page" \
    2>/dev/null
}

# section NAME: a copy of the report that shows only this section and tells its height.
section() {
  cp "$report" "$scratch/page.html"
  cat >>"$scratch/page.html" <<HTML
<style>body > *:not(main), main > *:not(#$1) { display: none; } section { border: 0; padding: 1rem 0; } .pick, pre { display: none; }</style>
<script>setTimeout(() => { document.documentElement.dataset.height = document.getElementById("$1") ?
  Math.ceil(document.getElementById("$1").getBoundingClientRect().height) : 0; }, 500);</script>
HTML
  local height
  height=$(chrome "$scratch/page.html" --window-size=1000,900 --dump-dom | grep -o 'data-height="[0-9]*"' | tr -dc 0-9)
  [ "${height:-0}" -gt 0 ] || { echo "report_figures.sh: the report has no section $1" >&2; return; }
  chrome "$scratch/page.html" --window-size="1000,$height" --force-device-scale-factor=1.5 --screenshot="$folder/$1.png"
}

[ $# -gt 0 ] || set -- top phone dark recommendation models pareto fusion curves efficiency robustness shuffle confusion misclassified
for name in "$@"; do
  case $name in
    top) chrome "$report" --window-size=1180,1600 --screenshot="$folder/top.png" ;;
    dark) chrome "$report" --window-size=1180,1600 --blink-settings=preferredColorScheme=0 --screenshot="$folder/dark.png" ;;
    phone)  # a frame, because Chromium has no window as narrow as a phone; the picture is cut to the frame
      echo "<body style='margin:0'><iframe src='file://$report' style='border:0;width:390px;height:1500px'></iframe>" \
        >"$scratch/phone.html"
      chrome "$scratch/phone.html" --window-size=390,1500 --force-device-scale-factor=1.5 --screenshot="$folder/phone.png" ;;
    *) section "$name" ;;
  esac
done
