#!/usr/bin/env bash
# Builds what the scenario "weakened" runs: monitors and runtimes that lack a protection, in FOLDER/NUMBER.
# usage: [SWIFTLET_BIN=built products] integration/vm/weakened.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${SWIFTLET_BIN:-$(packaging/release.sh)}
work=$(mktemp -d /tmp/swiftlet-weakened.XXXXXX)
trap 'rm -rf "$work"' EXIT
# shellcheck source=integration/launch/weaken.sh
source integration/launch/weaken.sh
for number in 22 23; do
    mkdir -p "$1/$number"
    weaken_monitor $number "$1/$number/swiftlet-podmonitor"
    weaken_runtime $number "$1/$number/swiftlet-oci"
    strip "$1/$number"/*
done
