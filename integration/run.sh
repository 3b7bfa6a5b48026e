#!/usr/bin/env bash
# All tests: unit tests, then everything under integration/ that needs root and a real kernel; beside them the virtual machines, whose lines begin with "|".
# Ends with one line of counts; each skip says why.
#   integration/run.sh [--list] [--only NAME]...
set -uo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=packaging/packages.sh
source packaging/packages.sh

SUITES=(
    "unit            unit tests"
    "launch          the launch path on the real kernel"
    "oci             swiftlet-oci: the runtime specification by its effects, and engines that call it"
    "network         the pods' network and Services"
    "runtime         the container runtime with daemons killed at random moments"
    "cluster         a whole instance driven by kubectl"
    "cri             the CRI: every call by a Python client made from the definitions"
    "containerd      our kubelet over Debian's containerd"
    "images          images of umoci, skopeo and a registry; pulls that are cut, archives that attack"
    "agent           a server and an agent on two machines of network namespaces"
    "hostile         a full and a stalling data disk, no address left for pods"
    "faults          kills and stops at every fault point, and five bugs put in on purpose (integration/faults.sh)"
    "weakened        the launch path's checks against builds that lack a protection"
    "weakened-oci    swiftlet-oci's checks and attacks against builds that lack a protection"
    "package         the Debian package: lintian, manual, completions, files and sizes"
    "vm              the package in virtual machines: limits, systemd, reboot, power cuts, an unwell host (integration/vm.sh --list)"
)
only=()
while [ $# -gt 0 ]; do
    case $1 in
    --list) printf '%s\n' "${SUITES[@]}" && exit ;;
    --only)
        printf '%s\n' "${SUITES[@]}" | grep -q "^${2:?a suite\'s name} " || { echo "run.sh: no suite $2; --list names them" >&2; exit 2; }
        only+=("$2") && shift 2 ;;
    *) echo "run.sh: unknown argument $1; there are --list and --only NAME" >&2 && exit 2 ;;
    esac
done
is_chosen() { [ ${#only[@]} = 0 ] || [[ " ${only[*]} " == *" $1 "* ]]; }

[ "$(id -u)" = 0 ] || { echo "run.sh: integration tests need root; \`swift test\` alone runs the unit tests" >&2; exit 2; }
install_packages "${BUILD_PACKAGES[@]}" busybox-static iproute2 nftables curl python3 procps util-linux e2fsprogs
command -v kubectl >/dev/null || install_packages kubernetes-client

results=$(mktemp) failures=$(mktemp) lane=""
say() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

# The second lane and what it runs; `timeout` passes the signal on.
clean_up() {
    # shellcheck disable=SC2046
    [ -z "$lane" ] || kill $(pgrep -P "$lane") "$lane" 2>/dev/null
    rm -f "$results" "$failures"
}
trap clean_up EXIT

# note PASSED FAILED SKIPPED
note() { echo "$*" >>"$results" || { echo "run.sh: $results cannot be written, so nothing is counted" >&2; exit 1; }; }

# count NAME STATUS OUTPUT: adds a suite's own closing line; a suite that ended without one counts as one failure.
count() {
    local line number
    line=$(grep -oE '[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?' "$3" | tail -n 1)
    if [ -n "$line" ]; then
        number=$(grep -oE '[0-9]+' <<<"$line" | paste -sd' ')
        note "$number"
        [ "$2" = 0 ] || grep -qE '[1-9][0-9]* failed' <<<"$line" || ended_badly "$1" "$2"
    elif [ "$2" = 77 ]; then
        echo "skip  $1: this machine cannot run it"
        note 0 0 1
    else
        ended_badly "$1" "$2"
    fi
    grep -A 3 '^FAIL' "$3" | sed "s/^/$1: /" >>"$failures"
}

# ended_badly NAME STATUS: one failure more; 124 and 137 are what `timeout` gives back.
ended_badly() {
    local how="ended with $2"
    case $2 in 124 | 137) how="was ended at its time limit" ;; esac
    echo "$1: FAIL  the suite $how" | tee -a "$failures"
    note 0 1
}

# suite NAME SECONDS COMMAND...
suite() {
    local name=$1 limit=$2 out status
    shift 2
    is_chosen "$name" || return 0
    say "$name"
    out=$(mktemp)
    timeout -k 20 "$limit" "$@" 2>&1 | tee "$out"
    status=${PIPESTATUS[0]}
    count "$name" "$status" "$out"
    rm -f "$out"
}

unit_tests() {
    local out status place left
    is_chosen unit || return 0
    out=$(mktemp) place=$(mktemp -d)
    say "unit"
    TMPDIR=$place timeout -k 20 1200 swift test --skip-build 2>&1 | tee "$out"
    status=${PIPESTATUS[0]}
    local all bad off
    all=$(grep -oE 'Test run with [0-9]+ tests?' "$out" | tail -n 1 | grep -oE '[0-9]+' || echo 0)
    bad=$(grep -cE '^✘ Test [^r].* failed after' "$out")
    off=$(grep -cE '^(➜|◇|→) Test .* skipped' "$out")
    note $((all - bad - off)) "$bad" "$off"
    grep -E '^✘ ' "$out" | sed 's/^/unit: /' >>"$failures"
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then ended_badly unit "$status"; fi
    # Locks and empty directories are SwiftPM's. What a test that failed or was ended has left is no failure of its own.
    left=$(find "$place" -mindepth 1 -maxdepth 1 ! -name '*.lock' ! -name 'TemporaryDirectory.*')
    [ -z "$left" ] || echo "unit: files that tests leave: ${left//$'\n'/ }"
    grep -o " $place/[^ ]*" /proc/self/mounts | sort -r | xargs -r umount
    rm -rf --one-file-system "$place"
    echo "simulation: $(grep -m 1 -o 'in order: .*' "$out" || echo "no history ended in order")"
    rm -f "$out"
}

# The package and its virtual machines, from a release build of their own: the compiler gives way to the other suites.
machines() {
    unset SWIFTLET_BIN
    export SWIFTLET_SCRATCH=.build/packaged
    say "building the release"
    timeout -k 20 3600 nice -n 10 packaging/release.sh >/dev/null || { ended_badly "the release build" $? && return; }
    suite package 3600 integration/package.sh
    suite vm 5400 integration/vm.sh
}

# All in one, so that no suite has to wait for another's compiler.
build() {
    local flags=()
    ! { is_chosen unit || is_chosen faults; } || flags+=(--build-tests)
    say "building"
    swift build "${flags[@]}" && SWIFTLET_BIN=$(swift build --show-bin-path)
}
for name in unit launch oci network runtime cluster cri containerd images agent hostile faults weakened weakened-oci; do
    is_chosen $name || continue
    build || { echo "0 passed, 1 failed"; exit 1; }
    break
done
if is_chosen package || is_chosen vm; then
    machines 2>&1 | sed -u 's/^/| /' &
    lane=$(jobs -p | tail -n 1)
fi
export SWIFTLET_BIN SWIFTLET_BUILT=1
unit_tests
suite launch 600 integration/launch.sh
suite oci 1200 integration/oci.sh
suite network 600 integration/network.sh
suite runtime 900 integration/runtime.sh
suite cluster 1200 integration/cluster.sh
suite cri 1200 integration/cri.sh
suite containerd 600 integration/containerd.sh
suite images 900 integration/images.sh
suite agent 600 integration/agent.sh
suite hostile 900 integration/hostile.sh
suite faults 1500 integration/faults.sh
suite weakened 1200 integration/launch/weakened.sh
suite weakened-oci 1200 integration/oci/weakened.sh
if [ -n "$lane" ]; then
    wait "$lane" || ended_badly "the lane of the package and the machines" $?
    lane=""
    wait # for its last lines
fi
say "done"
read -r passed failed skipped < <(awk '{p += $1; f += $2; s += $3} END {print p + 0, f + 0, s + 0}' "$results")
[ "$failed" = 0 ] || { echo "what failed:"; cut -c1-400 "$failures"; }
[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
