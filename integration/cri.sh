#!/bin/bash
# The runtime as a CRI: `swiftlet cri` driven in every call by a client in Python that shares no code with it, and by the assertions of the official tests.
# usage, as root: integration/cri.sh [--only TEXT], which runs the assertions alone whose names have the text
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
# shellcheck source=integration/cri/registry.sh
source integration/cri/registry.sh
# shellcheck source=integration/cri/run.sh
source integration/cri/run.sh
# shellcheck source=integration/cri/run-detached.sh
source integration/cri/run-detached.sh
# shellcheck source=integration/cri/run-again.sh
source integration/cri/run-again.sh
# shellcheck source=integration/cri/run-options.sh
source integration/cri/run-options.sh
# shellcheck source=integration/cri/run-events.sh
source integration/cri/run-events.sh
only=
[ "${1:-}" = --only ] && only=${2:?a part of a name}

start_server() {
    mkdir -p "$ROOT/c"
    cat >"$ROOT/c/config.yaml" <<Y
registries: "127.0.0.1:5000=http://127.0.0.1:5000 127.0.0.1:5002=http://127.0.0.1:5002 mirrored.test=http://127.0.0.1:5000"
cdi-spec-dirs: $ROOT/devices/first,$ROOT/devices/later
Y
    inside setsid "$BIN/swiftlet" cri --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c" \
        --log-dir "$ROOT/l" --log-level debug >>"$ROOT/log" 2>&1 </dev/null &
    eventually 30 curl -sf --unix-socket "$ROOT/r/node.sock" http://node/v1/containers >/dev/null 2>&1
}
end() {
    [ -z "${REGISTRY:-}" ] || kill "$REGISTRY"
    clean_up
}

# count OUTPUT: adds a program's own closing line.
count() {
    local line
    line=$(tail -n 1 "$1")
    passed=$((passed + $(grep -oE '[0-9]+ passed' <<<"$line" | cut -d' ' -f1)))
    failed=$((failed + $(grep -oE '[0-9]+ failed' <<<"$line" | cut -d' ' -f1)))
    skipped=$((skipped + $(grep -oE '[0-9]+ skipped' <<<"$line" | cut -d' ' -f1 | grep . || echo 0)))
}

install_packages docker-registry busybox-static curl iproute2 python3 util-linux >&2
begin
trap end EXIT
make_python "$ROOT/python" || { echo "0 passed, 1 failed"; exit 1; }
mkdir -p "$ROOT/l"
if [ -z "$only" ]; then
    inside timeout 500 "$PYTHON" -B integration/cri/client.py "$ROOT/r/cri.sock" busybox:demo "$ROOT/l" \
        --calls "${SWIFTLET_CALLS:-10000}" | tee "$ROOT/calls"
    count "$ROOT/calls"
    run_commands
fi
if start_registry 5000; then
    DOCTOR="$BIN/swiftlet doctor --data-dir $ROOT/d --run-dir $ROOT/r --config-dir $ROOT/c --log-dir $ROOT/l" \
        inside timeout 900 "$PYTHON" -B integration/cri/conformance "$ROOT/r/cri.sock" 127.0.0.1:5000 "$ROOT/l" \
        --devices "$ROOT/devices" --only "$only" | tee "$ROOT/conformance"
    count "$ROOT/conformance"
else
    echo "FAIL  the registry does not start: $(tail -n 1 "$ROOT/registry.log")"
    failed=$((failed + 1))
fi
[ "$failed" = 0 ] || { echo "the end of the runtime's log:"; tail -n 30 "$ROOT/log"; }
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
