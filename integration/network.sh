#!/bin/bash
# The pod network, the service rules and DNS on the real kernel. Needs root, iproute2 and nft.
# All of it happens in network namespaces of its own; the host's links and tables are not touched. SWIFTLET_BIN is a folder with products that are built already.
#   integration/network.sh          checks, ending with one line of counts
#   integration/network.sh bench    the time of one service's change beside 5,000 others
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "network.sh: needs root" >&2; exit 77; }

bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    build=(swift build --product network-integration)
    [ "${1:-}" = bench ] && build+=(-c "${SWIFTLET_BENCH_CONFIGURATION:-release}")
    "${build[@]}" >&2
    bin=$("${build[@]}" --show-bin-path 2>/dev/null)
fi
program=$bin/network-integration

run="swt$$"
state="$(mktemp -d)"
namespaces=(host out a b c)
cleanup() {
    for name in "${namespaces[@]}"; do ip netns del "$run-$name" 2>/dev/null || true; done
    rm -rf "$state"
}
trap cleanup EXIT

for name in "${namespaces[@]}"; do ip netns add "$run-$name"; done
ip -n "$run-host" link set lo up
ip -n "$run-out" link set lo up
ip -n "$run-host" link add up0 type veth peer name up0 netns "$run-out"
ip -n "$run-host" addr add 192.0.2.1/24 dev up0
ip -n "$run-out" addr add 192.0.2.2/24 dev up0
ip -n "$run-host" link set up0 up
ip -n "$run-out" link set up0 up
ip -n "$run-host" route add default via 192.0.2.2
ip -n "$run-out" route add 203.0.113.0/24 via 192.0.2.1

ip netns exec "$run-c" nft "add table ip foreign; add chain ip foreign FORWARD { type filter hook forward priority 0; policy drop; }"
ip netns exec "$run-host" "$program" "${1:-check}" "$run" "$state" || status=$?
if [ "${1:-check}" = check ] && [ -s "$state/rules.nft" ]; then
    # What transactions print is what nft would accept.
    ip netns exec "$run-b" nft -f "$state/rules.nft" && echo "network: nft accepts the printed rules" || status=1
fi
exit "${status:-0}"
