#!/bin/bash
# Harm at every named place of a pod's way, and the invariants after each; then bugs put in on purpose, which must be caught.
# usage, as root: integration/faults.sh [--seed N] [--only PLACE]... [--bugs | --no-bugs]
set -uo pipefail
cd "$(dirname "$0")/.."
if [ -z "${SWIFTLET_BUILT:-}" ]; then
    for product in swiftlet swiftlet-podmonitor faulty-swiftlet; do swift build --product "$product" >&2 || exit 1; done
fi
BIN=${SWIFTLET_BIN:-$(swift build --show-bin-path)}
# shellcheck source=integration/cluster/instance.sh
source integration/cluster/instance.sh
[ "$(id -u)" = 0 ] || { echo "faults.sh: needs root" >&2; exit 77; }
NETNS=swf$$
ROOT=$(mktemp -d /tmp/swf.XXXXXX)
trap clean_up EXIT
make_network && make_bundle || exit 1
out=$ROOT/said
inside python3 integration/faults "$BIN" "$ROOT" "$@" | tee "$out"
status=${PIPESTATUS[0]}
counts=$(tail -n 1 "$out")
passed=${counts%% passed*} failed=$(sed -n 's/.*, \([0-9]*\) failed$/\1/p' <<<"$counts")
[ -n "$failed" ] || { echo "the walk ended with $status and no count"; exit 1; }

# A limit that is never written shows only where the kernel has the controllers; what is written is a unit test's matter.
unwritten_limit() {
    local line
    [ -n "${SWIFTLET_BUILT:-}" ] || swift build --build-tests >&2 || return 1
    swift test --skip-build --filter LimitTests >"$out" 2>&1 || { echo "FAIL  the control of the bug unwritten-limit"; tail -n 5 "$out"; return 1; }
    SWIFTLET_BUG=unwritten-limit swift test --skip-build --filter LimitTests >"$out" 2>&1
    line=$(grep -m 1 "never written" "$out") || { echo "FAIL  bug unwritten-limit: not caught"; return 1; }
    echo "bug unwritten-limit: caught by LimitTests.everyLimitIsWritten: $line"
}
case " $* " in
*" --no-bugs "*) ;;
*) if unwritten_limit; then passed=$((passed + 1)); else failed=$((failed + 1)); fi ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
