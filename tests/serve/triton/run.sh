#!/usr/bin/env bash
# Has tritonclient ask a server of known models.
# usage: run.sh SERVE_FAKE_MODELS PYTHON
# Exit code 77, which CTest shows as skipped, where PYTHON lacks tritonclient[http].
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
server=$1 python=$2
"$python" -c 'import tritonclient.http' 2>/dev/null || {
  echo "skipped: $python lacks tritonclient[http]"
  exit 77
}
coproc SERVER { "$server" ""; }
pid=$SERVER_PID  # bash forgets the variable once the server has ended
read -r address <&"${SERVER[0]}"
status=0
timeout 120 "$python" "$here/triton_client.py" "${address#http://}" || status=$?
eval "exec ${SERVER[1]}>&-"
wait "$pid"
exit "$status"
