#!/bin/bash
# swiftlet-oci beside Debian's crun and runc, in one run on the same bundles. usage, as root: [SWIFTLET_BIN=built products] oci.sh [ROUNDS]
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
install_packages crun runc busybox-static >&2
bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    swift build -c release --product swiftlet-oci >&2
    bin=$(swift build -c release --show-bin-path)
fi
# In one piece, as a package lays it down and as the others lie there: what a linker wrote here and there costs a tenth more, in page faults.
placed=$(mktemp -d)
trap 'rm -rf "$placed"' EXIT
cp "$bin/swiftlet-oci" "$placed/swiftlet-oci"
# crun and runc want a host with one kind of cgroup: a mount namespace that shows them the unified hierarchy alone.
unshare --mount --propagation private bash -c '
    umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
    exec python3 -B integration/bench/oci.py "$@"' - "${1:-30}" "$placed/swiftlet-oci" "$(command -v crun)" "$(command -v runc)"
