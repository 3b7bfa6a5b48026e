#!/bin/bash
# A host that is unwell: the data disk stalled, no address left for pods, and the disk full, which brings eviction for all but critical pods. usage, as root: integration/hostile.sh
# What needs a machine of its own (a read-only disk, no process left, a clock that is set) is the scenario `hostile` of integration/vm.sh.
set -uo pipefail
cd "$(dirname "$0")/.."
if [ -z "${SWIFTLET_BUILT:-}" ]; then
    swift build --product swiftlet >&2 && swift build --product swiftlet-podmonitor >&2 || exit 1
fi
BIN=${SWIFTLET_BIN:-$(swift build --show-bin-path)}
# In a mount namespace of its own, whose end takes the small disk away with it.
[ -n "${SWIFTLET_HOSTILE:-}" ] || SWIFTLET_HOSTILE=1 SWIFTLET_BUILT=1 SWIFTLET_BIN=$BIN exec unshare --mount --propagation private "$0"
# shellcheck source=integration/cluster/instance.sh
source integration/cluster/instance.sh

end() {
    thaw
    stop_server KILL 2>/dev/null
    swiftlet uninstall --yes >/dev/null 2>&1
    umount "$ROOT/d"
    clean_up
}

# The data directory on a file system of 64 MiB, and five addresses for pods.
begin_hostile() {
    [ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 77; }
    NETNS=swh$$
    ROOT=$(mktemp -d /tmp/swh.XXXXXX)
    trap end EXIT
    mkdir -p "$ROOT/d" "$ROOT/c" && mkfifo "$ROOT/never"
    truncate -s 64M "$ROOT/disk" && mke2fs -q -t ext4 -m 0 "$ROOT/disk"
    mount -o loop "$ROOT/disk" "$ROOT/d" || { skip "hostile" "this host has no loop devices"; exit 77; }
    printf 'pod-cidr: 10.42.0.0/29\n' >"$ROOT/c/config.yaml"
    make_network
    start_server || { cat "$ROOT/log"; exit 1; }
    INSTANCE=$(cat "$ROOT/d/instance")
    make_image >/dev/null
}

# The test's own small file system takes no writes until `thaw`, and for three minutes at most, whatever becomes of this script: all that syncs on
# this machine waits for it too.
freeze() {
    (trap - EXIT; read -rt 180 <>"$ROOT/never"; fsfreeze -u "$ROOT/d") >/dev/null 2>&1 &
    THAWER=$!
    fsfreeze -f "$ROOT/d"
}
thaw() {
    fsfreeze -u "$ROOT/d" 2>/dev/null
    [ -z "${THAWER:-}" ] || kill "$THAWER" 2>/dev/null
    THAWER=
}

# condition TYPE STATUS: the node's condition has come to it, with the node Ready.
condition() {
    eventually 40 node_says "$1" "$2" || { kubectl get node node -o jsonpath='{.status.conditions}'; return 1; }
}
node_says() { [ "$(of_node "$1") $(of_node Ready)" = "$2 True" ]; }
of_node() { kubectl get node node -o jsonpath="{.status.conditions[?(@.type=='$1')].status}"; }

# said_once TYPE [MOST]: the log has one line for each beginning and one for each end, of which there were one to MOST.
said_once() {
    local begun ended
    begun=$(grep -ac "condition=$1 .*the host is unwell" "$ROOT/log") ended=$(grep -ac "condition=$1 .*the host is well again" "$ROOT/log")
    [ "$begun" = "$ended" ] && [ "$begun" -ge 1 ] && [ "$begun" -le "${2:-1}" ] || { grep -a "the host is" "$ROOT/log"; return 1; }
}

run_pod() {
    kubectl apply -f - <<Y
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$1", "labels": {"app": "${2:-hostile}"}}, "spec": {"terminationGracePeriodSeconds": 0,
 "priorityClassName": "${3:-}",
 "containers": [{"name": "main", "image": "busybox:demo", "imagePullPolicy": "Never", "command": ["sleep", "100000"],
  "livenessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 20}}]}}
Y
}
two_pods() { run_pod steady steady system-node-critical && run_pod brief && ready steady && ready brief; }
ready() { kubectl wait --for=condition=Ready "pod/$1" --timeout=180s; }

fill() {
    python3 - "$ROOT/d/filler" <<'P'
import os, sys
file, size, step = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), 0, 16 << 20
while step >= 4096:
    try:
        os.posix_fallocate(file, size, step)
        size += step
    except OSError:
        step //= 2
P
}
# A write that waits for a stalled disk is given up after half a minute, and from then on none is begun.
is_given_up() { eventually 40 grep -q "takes no writes: this write has waited for 30 s, and may still be done" "$ROOT/late"; }
none_is_begun() {
    local begun=$SECONDS
    says "takes no writes: nothing was written" kubectl create configmap refused && [ $((SECONDS - begun)) -lt 20 ]
}
not_ready() { says "[-]data-disk failed: reason withheld" inside curl -sk https://127.0.0.1:6443/readyz; }
doctor_tells() { says "the machine is unwell: DataDiskStalled" swiftlet doctor --log-dir "$ROOT/l"; }
is_kept() { eventually 10 says "now over: a small write to $ROOT/d takes longer" kubectl get events --field-selector reason=DataDiskStalled; }
is_refused() { says "is full: nothing can be written until there is space" kubectl create configmap refused; }
# Reads, commands, probes: nobody was restarted.
goes_on() {
    says Running kubectl get pod steady && says "it runs" swiftlet exec steady -- echo it runs &&
        [ "$(kubectl get pod steady -o jsonpath='{.status.containerStatuses[0].restartCount}')" = 0 ]
}
watch_goes_on() { eventually 10 grep -q after-full "$ROOT/watch"; }

exit_is_seen() {
    local process
    process=$(swiftlet ps -o json | python3 -c 'import json, sys
print(next(c["pid"] for c in json.load(sys.stdin) if c["labels"].get("io.kubernetes.pod.name") == "brief" and c["pid"] > 1))')
    [ -n "$process" ] && kill -9 "$process" && eventually 10 says "exited (137)" swiftlet ps --all
}

crowd() { for name in 1 2 3 4; do run_pod "crowd-$name" || return 1; done; }
one_waits() {
    eventually 20 says "no free address" kubectl get events && eventually 20 five_run
}
five_run() { [ "$(kubectl get pods --no-headers | grep -c Running)" = 5 ]; }
all_run() { for name in 2 3 4; do ready "crowd-$name" || return 1; done; }

begin_hostile
check "two pods run" two_pods
freeze
kubectl create configmap during-stall >"$ROOT/late" 2>&1 &
# The store is on it too: what the node says is shown from memory.
check "a disk that stalls is a condition of the node" condition DataDiskStalled True
check "all but writes goes on" goes_on
check "an exit is seen" exit_is_seen
check "a write is given up with the cause" is_given_up
check "none is begun any more" none_is_begun
check "the server is not ready, and says so" not_ready
check "the doctor tells of it" doctor_tells
check "the condition stays" condition DataDiskStalled True
thaw
check "the condition ends with the stall" condition DataDiskStalled False
check "the write that was given up is done" eventually 20 kubectl get configmap during-stall
check "writes are done again" eventually 20 kubectl create configmap after-stall
check "the server is ready" kubectl get --raw /readyz
check "an event keeps what the condition said" is_kept
# The disk of a machine that builds beside may stall on its own.
check "the log tells of it once" said_once DataDiskStalled 3

check "more pods than addresses" crowd
check "no address left is a condition of the node" condition PodAddressesExhausted True
check "the pod that has none says so" one_waits
kubectl delete pod crowd-1 --now >/dev/null
check "it runs as soon as one comes free" all_run
check "the condition ends" condition PodAddressesExhausted False
check "nobody was restarted meanwhile" goes_on
kubectl delete pod -l app=hostile --now >/dev/null

inside timeout 300 "$(command -v kubectl)" get configmaps -w -o name >"$ROOT/watch" 2>&1 &
fill
check "a full disk is a condition of the node" condition DataDiskFull True
check "a write is refused with the cause" is_refused
check "all else goes on" goes_on
rm "$ROOT/d/filler"
check "the condition ends with its cause" condition DataDiskFull False
check "writes are done again" kubectl create configmap after-full
check "a watch of before has gone on" watch_goes_on
check "the log tells of it once" said_once DataDiskFull
[ "$failed" = 0 ] || { echo "the end of the server's log:"; tail -n 30 "$ROOT/log"; }
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
