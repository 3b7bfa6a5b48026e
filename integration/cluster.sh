#!/bin/bash
# Swiftlet as its users know it: kubectl against a server, real pods, real network. usage, as root: integration/cluster.sh
set -uo pipefail
cd "$(dirname "$0")/.."
if [ -z "${SWIFTLET_BUILT:-}" ]; then
    swift build --product swiftlet >&2 && swift build --product swiftlet-podmonitor >&2 || exit 1
fi
BIN=${SWIFTLET_BIN:-$(swift build --show-bin-path)}
# shellcheck source=integration/cluster/instance.sh
source integration/cluster/instance.sh
for part in integration/cluster/[0-9]*.sh; do source "$part"; done

begin
check "the node becomes Ready" eventually 20 sh -c "nsenter --net=/run/netns/$NETNS kubectl get nodes | grep -q ' Ready'"
workloads
commands
containers
rights
users
attacks
streams
bad_input
node_commands
survival
ending
[ "$failed" = 0 ] || { echo "the end of the server's log:"; tail -n 30 "$ROOT/log"; }
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
