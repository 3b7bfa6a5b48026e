#!/bin/bash
# Shows that the checks would see a missing protection: builds the monitor once for each protection taken out, and
# runs the check that must fail. usage, as root: integration/launch/weakened.sh
set -u
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d /tmp/swiftlet-weakened.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
swift build --product launch-check >&2 || exit 1
check=$(swift build --show-bin-path)/launch-check
good=0
bad=0
try() { # number, the name's part of the check that must fail
    swift build --scratch-path "$scratch" -Xcc "-DCL_WEAKEN=$1" --product swiftlet-podmonitor >"$scratch/log" 2>&1 ||
        { cat "$scratch/log"; exit 1; }
    out=$("$check" "$(swift build --scratch-path "$scratch" --show-bin-path)/swiftlet-podmonitor" "$2")
    if [[ $out == *"0 passed, 1 failed"* ]]; then
        echo "ok    without protection $1 this fails: $2"
        good=$((good + 1))
    else
        printf 'FAIL  without protection %s this still passes: %s\n%s\n' "$1" "$2" "$out"
        bad=$((bad + 1))
    fi
}
try 1 "own pid namespace"
try 1 "monitor's memory"
try 2 "seccomp mode 2"
try 3 "default capabilities only"
try 4 "masked paths"
try 5 "masked paths"
try 6 "no descriptor"
try 7 "host's files"
try 8 "a device that is not allowed"
try 9 "namespaces: own"
try 10 "NoNewPrivs as asked"
try 11 "dead monitor"
try 12 "another user"
echo "weakened: $good seen, $bad unseen"
[ $bad = 0 ]
