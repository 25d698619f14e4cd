#!/usr/bin/env bash
# Opens the server's page in headless Chromium and uses it as a visitor does: images and a text are classified, what cannot
# be is said, in light and dark, on a narrow window, with and without a key; the console must stay silent.
# usage: page_in_browser.sh SERVE_FAKE_MODELS
# Exit code 77, which CTest shows as skipped, when Chromium is not installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
server=$1
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "skipped: Chromium is not installed (scripts/bootstrap.sh --tests installs it)"
  exit 77
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

failed=0
problem() {
  echo "FAILED: $case: $1"
  failed=1
}
# expect ATTRIBUTE VALUE: what interact.html kept, an extended regular expression.
expect() {
  grep -Eq "<html[^>]* data-$1=\"$2\"" <<<"$page" || problem "expected $1 to be $2 in $(grep -o '<html[^>]*>' <<<"$page")"
}

# visit HASH WIDTH BACKGROUND [FLAG]... : KEY is what the server asks for.
visit() {
  local hash=$1 width=$2 background=$3 address pid
  shift 3
  case="$hash $width px $*"
  coproc SERVER { "$server" "$here/interact.html" ${KEY:+"$KEY"}; }
  pid=$SERVER_PID  # bash forgets the variable once the server has ended
  read -r address <&"${SERVER[0]}"
  page=$(timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
    --user-data-dir="$(mktemp -d -p "$scratch")" --enable-logging=stderr --v=0 --window-size="$width,800" \
    --virtual-time-budget=20000 "$@" --dump-dom "$address/$hash" 2>"$scratch/log") || problem "the browser stopped with code $?"
  eval "exec ${SERVER[1]}>&-"
  wait "$pid" || problem "the server stopped with code $?"
  expect used true
  expect models 'pictures\|texts\|twos'
  expect picture 'cat66.5 %\|bee24.5 %\|ant9.0 %'
  expect latency '[0-9.]+ ms in all: .* ms in the model'
  expect overlay 'data:image/png; 1 grad-cam for cat'
  expect picture-again 'blob: Where does it look\?'
  expect cut '.*longer than the model reads.*'
  expect pair-hidden true
  expect twos 'cat100.0 %\|.*'
  expect tokens-of-two '\[CLS\] one / two'
  expect tokens 'a\+2.000\|.*-1.000'
  expect wrong-picture '.*expected a picture.*'
  expect no-picture 'That is no image.'
  expect text 'cat95.3 %\|bee4.7 %\|ant0.0 %'
  expect overflow false
  expect back "$background"
  # A refusal is logged by the browser itself.
  if grep CONSOLE "$scratch/log" | grep -qv 'Failed to load resource'; then problem "$(grep -m 3 CONSOLE "$scratch/log")"; fi
  [ "$failed" -ne 0 ] || echo "ok: $case"
}

visit '#light' 1280 'rgb\(255, 255, 255\)'
visit '#phone' 500 'rgb\(20, 23, 26\)' --blink-settings=preferredColorScheme=0
KEY=secret visit '#key' 500 'rgb\(255, 255, 255\)'
expect refused '.*Authorization.*'
exit "$failed"
