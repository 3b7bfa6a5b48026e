#!/bin/bash
# The runtime on the real kernel, as root: images, sandboxes, containers, streams, restarts, removal. Leaves nothing.
# SWIFTLET_BIN is a folder with products that are built already. With `bench`: how long each step of fifty pods takes. With `crash [ROUNDS [SEED]]`: daemons killed at random moments under load.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "runtime.sh: needs root" >&2; exit 77; }
cd "$(dirname "$0")/.."
bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    for product in swiftlet-podmonitor runtime-check; do swift build --product "$product"; done
    bin=$(swift build --show-bin-path)
fi
# In a network namespace of its own: the host's links, rules and settings are not touched.
exec unshare --net sh -c 'ip link set lo up && exec "$@"' _ "$bin/runtime-check" "$bin/swiftlet-podmonitor" "$@"
