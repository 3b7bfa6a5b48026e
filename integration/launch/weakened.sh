#!/bin/bash
# Shows that the checks would see a missing protection: builds the monitor once for each protection taken out (the
# numbers are in CShims/Launch/child.h), and runs the check that must then fail.
# usage, as root: [SWIFTLET_BIN=built products] integration/launch/weakened.sh
set -u
cd "$(dirname "$0")/../.."
bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    swift build --product launch-check >&2 || exit 1
    bin=$(swift build --show-bin-path)
fi
work=$(mktemp -d /tmp/swiftlet-weakened.XXXXXX)
trap 'rm -rf "$work"' EXIT
good=0
bad=0

# shellcheck source=integration/launch/weaken.sh
source integration/launch/weaken.sh

check() { # number, a part of the check's name, what must be the end of its report
    local out
    out=$("$bin/launch-check" "$work/monitor.$1" "$2")
    if [[ $out == *"$3"* ]]; then
        echo "ok    protection $1, \"$2\": $3"
        good=$((good + 1))
    else
        printf 'FAIL  protection %s, "%s" was to give %s\n%s\n' "$1" "$2" "$3" "$out"
        bad=$((bad + 1))
    fi
}

without() {
    [ -f "$work/monitor.$1" ] || weaken_monitor "$1" "$work/monitor.$1"
    check "$1" "$2" "0 passed, 1 failed"
}

# The control: with everything in place all of them hold.
weaken_monitor 0 "$work/monitor.0"
check 0 "" " passed, 0 failed"
without 1 "own pid namespace"
without 1 "monitor's memory"
without 2 "seccomp mode 2"
without 3 "default capabilities only"
without 4 "masked paths"
without 5 "masked paths"
without 6 "no descriptor"
without 7 "host's files"
without 8 "a device that is not allowed"
without 9 "namespaces: own"
without 10 "NoNewPrivs as asked"
without 11 "dead monitor ends"
without 12 "another user"
without 17 "finds the host"
without 18 "null device"
without 19 "waits to be started"
echo "weakened: $good passed, $bad failed"
[ $bad = 0 ]
