#!/usr/bin/env bash
# Opens reports in headless Chromium and uses all their controls: every chart must be drawn, and the console must stay
# silent.
# usage: report_in_browser.sh RENDER_REPORT RESULTS_JSON...
# Exit code 77, which CTest shows as skipped, when Chromium is not installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
render=$1
shift
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "skipped: Chromium is not installed (scripts/bootstrap.sh --tests installs it)"
  exit 77
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# dom WIDTH FILE: the page after its scripts have run; what the console said goes to $scratch/log.
dom() {
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
    --user-data-dir="$(mktemp -d -p "$scratch")" --enable-logging=stderr --v=0 \
    --window-size="$1,900" --virtual-time-budget=10000 --dump-dom "file://$2" 2>"$scratch/log"
}
count() { { grep -o -- "$1" <<<"$page" || true; } | wc -l; }
problem() {
  echo "FAILED: $results at $width px: $1"
  failed=1
}

failed=0
for results in "$@"; do
  "$render" "$results" "$scratch/report.html"
  cat "$here/interact.html" >>"$scratch/report.html"
  widths=(1280 500)  # Chromium has no narrower window
  case $(basename "$results") in results_v1_*) widths=(1280) ;; esac  # the same page, of an older file
  for width in "${widths[@]}"; do
    page=$(dom "$width" "$scratch/report.html") || { problem "the browser stopped with code $?"; continue; }
    charts=$(count 'class="chart"')
    drawn=$(count 'data-drawn="true"')
    pictures=$(count 'class="marks"')
    [ "$(count '<h1')" -ge 1 ] || problem "the page has no heading: its script did not run"
    [ "$charts" -eq "$drawn" ] && [ "$charts" -eq "$pictures" ] ||
      problem "expected $charts charts, $drawn were drawn, $pictures have a picture"
    [ "$(count 'class="failure"')" -eq 0 ] || problem "a chart reports a failure"
    [ "$(count 'data-tooltip="\(Model\|True\)')" -eq 1 ] || problem "a mark under the mouse shows no tooltip"
    [ "$(count 'data-used="true"')" -eq 1 ] || problem "using the page's controls did not come to its end"
    if grep -q CONSOLE "$scratch/log"; then problem "$(grep -m 3 CONSOLE "$scratch/log")"; fi
    [ "$failed" -ne 0 ] || echo "ok: $(basename "$results") at $width px: $charts charts"
  done
done

# The same results with something cheap that no model of theirs beats.
results=results_sample.json
width=1280
row='{"name":"bar","title":"a bar","score":{"name":"top1","unit":"%","value":99.9,"higher_is_better":true}}'
sed "0,/\"recommendation\":/s//\"references\":[$row],\"recommendation\":/" "$here/../fixtures/$results" >"$scratch/unbeaten.json"
"$render" "$scratch/unbeaten.json" "$scratch/report.html"
page=$(dom "$width" "$scratch/report.html")
[ "$(count '<h1>No network beats a bar')" -eq 1 ] || problem "the heading recommends what a cheap classifier beats"
exit "$failed"
