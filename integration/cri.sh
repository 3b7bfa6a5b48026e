#!/bin/bash
# The runtime as a CRI: `swiftlet cri` driven in every call by a client in Python that shares no code with it.
# usage, as root: integration/cri.sh
set -uo pipefail
cd "$(dirname "$0")/.."
if [ -z "${SWIFTLET_BUILT:-}" ]; then
    swift build --product swiftlet >&2 && swift build --product swiftlet-podmonitor >&2 || exit 1
fi
BIN=${SWIFTLET_BIN:-$(swift build --show-bin-path)}
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
# shellcheck source=integration/cluster/instance.sh
source integration/cluster/instance.sh
# shellcheck source=integration/cri/python.sh
source integration/cri/python.sh

start_server() {
    inside setsid "$BIN/swiftlet" cri --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c" \
        --log-dir "$ROOT/l" --log-level debug >>"$ROOT/log" 2>&1 </dev/null &
    eventually 30 curl -sf --unix-socket "$ROOT/r/node.sock" http://node/v1/containers >/dev/null 2>&1
}

begin
make_python "$ROOT/python" || { echo "0 passed, 1 failed"; exit 1; }
status=0
inside timeout 500 "$PYTHON" integration/cri/client.py "$ROOT/r/cri.sock" busybox:demo "$ROOT/l" \
    --calls "${SWIFTLET_CALLS:-10000}" || status=$?
[ "$status" = 0 ] || { echo "the end of the runtime's log:"; tail -n 30 "$ROOT/log"; }
exit "$status"
