#!/bin/bash
# Two machines: a server and an agent, each in a network namespace, a host name and directories of its own. usage, as root: integration/agent.sh
set -uo pipefail
cd "$(dirname "$0")/.."
if [ -z "${SWIFTLET_BUILT:-}" ]; then
    swift build --product swiftlet >&2 && swift build --product swiftlet-podmonitor >&2 || exit 1
fi
BIN=${SWIFTLET_BIN:-$(swift build --show-bin-path)}
# shellcheck source=integration/cluster/instance.sh
source integration/cluster/instance.sh
# shellcheck source=integration/agent/machines.sh
source integration/agent/machines.sh
for part in integration/agent/[0-9]*.sh; do source "$part"; done

begin_machines
joining
network
remote
identity
survival
loss
ending
[ "$failed" = 0 ] || for machine in server worker; do
    echo "the end of the log of $machine:"
    tail -n 30 "$ROOT/$machine/log"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
