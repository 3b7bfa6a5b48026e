#!/usr/bin/env bash
# Builds the executables as they are released and prints the folder that holds them.
set -euo pipefail
cd "$(dirname "$0")/.."
# The daemon brings the Swift runtime along. The monitor is Embedded Swift, whose library the toolchain has for the ordinary way of linking alone; its
# own settings make it fully static.
swift build -c release --static-swift-stdlib --product swiftlet >&2
for product in swiftlet-podmonitor swiftlet-oci; do swift build -c release --product "$product" >&2; done
swift build -c release --show-bin-path
