#!/usr/bin/env bash
# Builds the executables as they are released and prints the folder that holds them. SWIFTLET_SCRATCH (.build) is where it builds.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=${SWIFTLET_SCRATCH:-.build}
# The daemon brings the Swift runtime along. The monitor is Embedded Swift, whose library the toolchain has for the ordinary way of linking alone; its
# own settings make it fully static.
swift build --scratch-path "$scratch" -c release --static-swift-stdlib --product swiftlet >&2
for product in swiftlet-podmonitor swiftlet-oci; do swift build --scratch-path "$scratch" -c release --product "$product" >&2; done
swift build --scratch-path "$scratch" -c release --show-bin-path
