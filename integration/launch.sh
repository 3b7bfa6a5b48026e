#!/bin/bash
# The launch path on the real kernel. usage, as root: integration/launch.sh
set -eu
cd "$(dirname "$0")/.."
swift build --product swiftlet-podmonitor >&2
swift build --product launch-check >&2
bin=$(swift build --show-bin-path)
"$bin/launch-check" "$bin/swiftlet-podmonitor"
