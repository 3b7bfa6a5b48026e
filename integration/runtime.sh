#!/bin/bash
# The runtime on the real kernel, as root: images, sandboxes, containers, streams, restarts, removal. Leaves nothing.
# With `bench`: how long each step of fifty pods takes.
set -euo pipefail
cd "$(dirname "$0")/.."
for product in swiftlet-podmonitor runtime-check; do
    swift build ${SWIFTLET_BUILD_FLAGS:-} --product "$product"
done
bin=$(swift build ${SWIFTLET_BUILD_FLAGS:-} --show-bin-path)
exec "$bin/runtime-check" "$bin/swiftlet-podmonitor" "$@"
