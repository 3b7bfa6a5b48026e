# Sourced after instance.sh: two machines, `server` (192.0.2.1) and `worker` (192.0.2.2), joined by one link and nothing else.

netns() { echo "/run/netns/$RUN-$1"; }
# on MACHINE COMMAND...: on its network.
on() {
    local machine=$1
    shift
    nsenter "--net=$(netns "$machine")" "$@"
}
kubectl() { on server kubectl "$@"; }
directories() { echo "--data-dir $ROOT/$1/d --run-dir $ROOT/$1/r --config-dir $ROOT/$1/c"; }

# swiftlet_on MACHINE COMMAND ARGUMENTS...
swiftlet_on() {
    local machine=$1 command=$2
    shift 2
    # shellcheck disable=SC2046
    on "$machine" "$BIN/swiftlet" "$command" $(directories "$machine") "$@"
}

pid_of() { cat "$ROOT/$1/r/server.pid" 2>/dev/null; }

# daemon MACHINE ROLE ARGUMENTS...: starts it, under the machine's host name.
daemon() {
    local machine=$1 role=$2
    shift 2
    mkdir -p "$ROOT/$machine"
    # shellcheck disable=SC2046
    on "$machine" setsid unshare --uts sh -c "hostname $machine; exec \"\$@\"" - "$BIN/swiftlet" "$role" \
        $(directories "$machine") --log-dir "$ROOT/$machine/l" --eviction-hard "$EVICTION" --log-level debug "$@" \
        >>"$ROOT/$machine/log" 2>&1 </dev/null &
}

start_server() {
    daemon server server --node-address 192.0.2.1
    export KUBECONFIG=$ROOT/server/c/admin.kubeconfig
    eventually 30 kubectl get --raw /readyz >/dev/null 2>&1 && eventually 30 answers server
}

# start_agent ARGUMENTS...
start_agent() {
    daemon worker agent --server https://192.0.2.1:6443 "$@"
    eventually 60 answers worker
}

answers() { swiftlet_on "$1" ps >/dev/null 2>&1; }

# stop MACHINE [SIGNAL]: returns when it is gone.
stop() {
    local pid
    pid=$(pid_of "$1") && [ -n "$pid" ] || return 0
    kill "-${2:-TERM}" "$pid" 2>/dev/null || return 0
    eventually 30 sh -c "! [ -d /proc/$pid ]"
}

# agent_says TEXT ARGUMENTS...: an agent in directories of its own ends at once with this message.
agent_says() { agent_ends 1 "$@"; }

# agent_ends CODE TEXT [FLAG...]: one that does not come to run says the text.
agent_ends() {
    local code=$1 text=$2 out status
    shift 2
    out=$(on worker timeout 120 "$BIN/swiftlet" agent --data-dir "$ROOT/x/d" --run-dir "$ROOT/x/r" --config-dir "$ROOT/x/c" \
        --log-dir "$ROOT/x/l" --server https://192.0.2.1:6443 --kubelet-port 10999 "$@" 2>&1)
    status=$?
    [ "$status" = "$code" ] || { echo "ended with $status: $out"; return 1; }
    grep -qF -- "$text" <<<"$out" || { printf 'expected: %s\ngot: %s\n' "$text" "$out"; return 1; }
}

image_on() {
    swiftlet_on "$1" images add busybox:demo "$ROOT/bundle" >/dev/null
}

make_link() {
    local machine
    for machine in server worker; do
        ip netns add "$RUN-$machine" || return 1
        ip -n "$RUN-$machine" link set lo up
    done
    ip -n "$RUN-server" link add up0 type veth peer name up0 netns "$RUN-worker"
    ip -n "$RUN-server" addr add 192.0.2.1/24 dev up0
    ip -n "$RUN-worker" addr add 192.0.2.2/24 dev up0
    ip -n "$RUN-server" link set up0 up
    ip -n "$RUN-worker" link set up0 up
}

# left_on MACHINE ID: what an instance has made there; nothing, once it is uninstalled.
left_on() {
    on "$1" ip -o link | grep -o "sw-$2-[^:@]*"
    on "$1" nft list tables 2>/dev/null | grep "swiftlet-$2"
    on "$1" ip route show proto 83
    grep -o "$ROOT/$1/[^ ]*" /proc/self/mountinfo
    find /sys/fs/cgroup -maxdepth 3 -name "swiftlet-$2*" 2>/dev/null
    pgrep -f "$ROOT/$1/r/" || true
}

clean_machines() {
    local machine
    for machine in worker server; do
        stop "$machine" KILL 2>/dev/null
        swiftlet_on "$machine" uninstall --yes >/dev/null 2>&1 || true
        ip netns del "$RUN-$machine" 2>/dev/null
    done
    [ -n "${KEEP:-}" ] || rm -rf "$ROOT"
}

begin_machines() {
    [ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 77; }
    RUN=swa$$
    ROOT=$(mktemp -d /tmp/swa.XXXXXX)
    trap clean_machines EXIT
    make_link && make_bundle
    start_server || { cat "$ROOT/server/log"; exit 1; }
    image_on server
}
