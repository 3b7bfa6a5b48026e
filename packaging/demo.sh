#!/usr/bin/env bash
# The whole of Swiftlet on this machine: builds it, starts it, runs a workload with kubectl and shows it.
#   packaging/demo.sh          start (again and again, if you like)
#   packaging/demo.sh --down   stop and remove everything
set -euo pipefail
cd "$(dirname "$0")/.."
REPOSITORY=$PWD
SWIFTLET=$REPOSITORY/.build/release/swiftlet
BUNDLE=/var/lib/swiftlet-demo/bundle
LOG=/var/log/swiftlet.log
export KUBECONFIG=/etc/swiftlet/admin.kubeconfig
# shellcheck source=packaging/packages.sh
source packaging/packages.sh

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

as_root() {
    [ "$(id -u)" -eq 0 ] && return
    exec sudo --preserve-env=PATH env "PATH=$PATH" "$REPOSITORY/packaging/demo.sh" "$@"
}

# What is built belongs to whoever called: the user behind sudo, else the owner of the checkout.
as_owner() {
    local owner=${SUDO_USER:-$(stat -c %U "$REPOSITORY")}
    if [ "$owner" = root ] || [ "$owner" = UNKNOWN ]; then "$@"; else
        runuser -u "$owner" -- env "PATH=$PATH" "HOME=$(getent passwd "$owner" | cut -d: -f6)" "$@"
    fi
}

# wait_for SECONDS WHAT COMMAND...: tries until the command succeeds.
wait_for() {
    local seconds=$1 what=$2 end
    shift 2
    end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$end" ]; then
            tail -n 3 "$LOG" >&2 2>/dev/null || true
            fail "$what did not happen within $seconds s; the daemon's log is $LOG"
        fi
        sleep 0.1
    done
}

server_pid() {
    local pid
    pid=$(cat /run/swiftlet/server.pid 2>/dev/null) && [ -d "/proc/$pid" ] &&
        grep -qa swiftlet "/proc/$pid/cmdline" && echo "$pid"
}

build() {
    say "building the release (the first time takes several minutes)"
    as_owner packaging/release.sh >/dev/null
}

start_server() {
    local pid
    if pid=$(server_pid); then
        echo "the server runs already as process $pid"
    else
        echo "its log: $LOG"
        setsid "$SWIFTLET" server >>"$LOG" 2>&1 </dev/null &
    fi
    wait_for 30 "the API server answering" kubectl get --raw /readyz
    wait_for 30 "the node becoming Ready" sh -c "kubectl get nodes | grep -q ' Ready'"
}

make_bundle() {
    rm -rf "$BUNDLE" && mkdir -p "$BUNDLE/rootfs"/{bin,etc,tmp,root,www}
    cp /bin/busybox "$BUNDLE/rootfs/bin/busybox"
    chroot "$BUNDLE/rootfs" /bin/busybox --install -s /bin
    echo 'root:x:0:0:root:/root:/bin/sh' >"$BUNDLE/rootfs/etc/passwd"
    echo 'root:x:0:' >"$BUNDLE/rootfs/etc/group"
    cat >"$BUNDLE/config.json" <<'J'
{"ociVersion": "1.0.2",
 "process": {"args": ["/bin/sh"], "cwd": "/", "user": {"uid": 0, "gid": 0},
             "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
 "root": {"path": "rootfs"}}
J
    "$SWIFTLET" images list | grep -q 'busybox:demo' || "$SWIFTLET" images add busybox:demo "$BUNDLE"
}

fetch() { kubectl exec deploy/hello -- wget -q -O - "http://$1/"; }

# The process of a pod's container, from the node's own table.
container_pid() {
    "$SWIFTLET" ps | awk -v pod="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "PID") column = i; next }
        index($0, pod) && / running / { print $column; exit }'
}

restarted() {
    local count
    count=$(kubectl get pod "$1" -o jsonpath='{.status.containerStatuses[0].restartCount}/{.status.phase}')
    [ "$count" = "$2/Running" ]
}

show() {
    local address pod before
    say "a Deployment of three replicas, a ConfigMap and a Service"
    kubectl apply -f packaging/demo/workload.yaml
    kubectl rollout status deploy/hello --timeout=120s
    address=$(kubectl get svc hello -o jsonpath='{.spec.clusterIP}')
    say "the Service by its cluster address, from the host"
    wait_for 20 "the Service answering" "${BUSYBOX[@]}" wget -q -O - "http://$address/"
    "${BUSYBOX[@]}" wget -q -O - "http://$address/"
    say "and from inside a pod, by address and by name"
    fetch "$address"
    fetch hello
    pod=$(kubectl get pods -l app=hello -o jsonpath='{.items[0].metadata.name}')
    before=$(kubectl get pod "$pod" -o jsonpath='{.status.containerStatuses[0].restartCount}')
    say "a container of pod $pod is killed, and comes back"
    kill -9 "$(container_pid "$pod")"
    wait_for 60 "the container coming back" restarted "$pod" $((before + 1))
    kubectl get pod "$pod"
    say "what Kubernetes sees"
    kubectl get nodes,pods,svc -o wide
    say "what the node sees"
    "$SWIFTLET" ps
}

up() {
    say "packages"
    install_packages "${BUILD_PACKAGES[@]}" "${DEMO_PACKAGES[@]}"
    command -v kubectl >/dev/null || install_packages kubernetes-client
    command -v swift >/dev/null || fail "there is no swift on the PATH; install Swift 6.3 (https://swift.org/install)"
    build
    say "starting the server"
    start_server
    say "an image from a static busybox"
    make_bundle
    show
    cat <<T

Everything runs.
  kubectl:      export KUBECONFIG=$KUBECONFIG
  the node:     $SWIFTLET ps | pods | logs POD | exec POD -- sh | why pod/NAME | check
  the log:      $LOG
  stop:         kill \$(cat /run/swiftlet/server.pid)      (the pods run on)
  remove all:   packaging/demo.sh --down
T
}

down() {
    local pid
    if pid=$(server_pid); then
        echo "stopping the server (process $pid) and its pods"
        kill "$pid"
        wait_for 60 "the server ending" sh -c "! [ -d /proc/$pid ]"
    fi
    [ -x "$SWIFTLET" ] || fail "there is no $SWIFTLET to remove all with; packaging/release.sh builds it"
    rm -rf /var/lib/swiftlet-demo "$LOG"
    # It says what is left, where anything is.
    "$SWIFTLET" uninstall --yes
}

BUSYBOX=(/bin/busybox)
as_root "$@"
case "${1:-}" in
    "") up ;;
    --down) down ;;
    *) fail "unknown argument \"$1\"; there are none, or --down" ;;
esac
