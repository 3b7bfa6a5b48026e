#!/bin/bash
# swiftlet-oci on the real kernel: the clauses of the runtime specification, then podman, buildah and containerd over it.
# usage, as root: [SWIFTLET_BIN=built products] integration/oci.sh [NAME OF A CHECK]...
set -eu
cd "$(dirname "$0")/.."
bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    swift build --product swiftlet-oci >&2
    bin=$(swift build --show-bin-path)
fi
exec python3 -B integration/oci/check.py "$bin/swiftlet-oci" "$@"
