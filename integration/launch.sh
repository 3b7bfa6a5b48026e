#!/bin/bash
# The launch path on the real kernel. usage, as root: [SWIFTLET_BIN=built products] integration/launch.sh
set -eu
cd "$(dirname "$0")/.."
bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    swift build --product swiftlet-podmonitor >&2
    swift build --product launch-check >&2
    bin=$(swift build --show-bin-path)
fi
"$bin/launch-check" "$bin/swiftlet-podmonitor"
