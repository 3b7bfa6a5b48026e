# Sourced: one instance of Swiftlet in network namespaces and directories of its own, and the counting of checks.

passed=0 failed=0 skipped=0

# check NAME COMMAND...: runs a command (often a function) and counts it.
check() {
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok    $name"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n%s\n' "$name" "$(sed 's/^/      /' <<<"$out" | tail -n 25)"
    fi
}

skip() {
    skipped=$((skipped + 1))
    echo "skip  $1: $2"
}

# check_since MINOR NAME COMMAND...: the same for what kubectl has learned in 1.MINOR only; Debian 12's own is 1.20.
check_since() {
    local minor=$1
    shift
    [ -n "${KUBECTL_MINOR:-}" ] || KUBECTL_MINOR=$(kubectl version --client -o json | sed -n 's/.*"minor": *"\([0-9]*\).*/\1/p')
    if [ "$KUBECTL_MINOR" -ge "$minor" ]; then check "$@"; else skip "$1" "kubectl is 1.$KUBECTL_MINOR, and has it since 1.$minor"; fi
}

# eventually SECONDS COMMAND...: succeeds as soon as the command does. The seconds are a quiet machine's; a busy one gets four times as long.
eventually() {
    local end=$((SECONDS + 4 * $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

# says TEXT COMMAND...: the command's output has the text.
says() {
    local text=$1 out
    shift
    out=$("$@" 2>&1) || true
    grep -qF -- "$text" <<<"$out" || { printf 'expected: %s\ngot: %s\n' "$text" "$out"; return 1; }
}

# The namespace of the instance, with a way out that leads to another namespace and nowhere else.
make_network() {
    ip netns add "$NETNS" && ip netns add "$NETNS-out"
    ip -n "$NETNS" link set lo up
    ip -n "$NETNS" link add up0 type veth peer name up0 netns "$NETNS-out"
    ip -n "$NETNS" addr add 192.0.2.1/24 dev up0
    ip -n "$NETNS-out" addr add 192.0.2.2/24 dev up0
    ip -n "$NETNS" link set up0 up
    ip -n "$NETNS-out" link set up0 up
    ip -n "$NETNS" route add default via 192.0.2.2
}

inside() { nsenter "--net=/run/netns/$NETNS" "$@"; }
kubectl() { nsenter "--net=/run/netns/$NETNS" kubectl "$@"; }

swiftlet() {
    local command=$1
    shift
    inside "$BIN/swiftlet" "$command" --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c" "$@"
}

# How full the disk of a machine that tests is says nothing about what is tested.
EVICTION="memory.available<50Mi,nodefs.available<1%"

server_pid() { cat "$ROOT/r/server.pid"; }

# With as many open files as a shell allows.
start_server() {
    {
        ulimit -Sn 1024
        inside setsid "$BIN/swiftlet" server --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c" \
            --log-dir "$ROOT/l" --node-name node --eviction-hard "$EVICTION" --log-level debug
    } >>"$ROOT/log" 2>&1 </dev/null &
    export KUBECONFIG=$ROOT/c/admin.kubeconfig
    eventually 30 sh -c "nsenter --net=/run/netns/$NETNS kubectl get --raw /readyz" >/dev/null 2>&1 &&
        eventually 30 curl -sf --unix-socket "$ROOT/r/node.sock" http://node/v1/containers >/dev/null 2>&1
}

# Ends the server and waits until it is gone.
stop_server() {
    local pid signal=${1:-TERM}
    pid=$(server_pid) || return 0
    kill "-$signal" "$pid" 2>/dev/null || return 0
    eventually 30 sh -c "! [ -d /proc/$pid ]"
}

make_bundle() {
    local bundle=$ROOT/bundle
    mkdir -p "$bundle/rootfs"/{bin,etc,tmp,root,www}
    cp /bin/busybox "$bundle/rootfs/bin/busybox"
    chroot "$bundle/rootfs" /bin/busybox --install -s /bin
    printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/bin/sh >"$bundle/rootfs/etc/passwd"
    echo extra:x:5000:nobody >"$bundle/rootfs/etc/group"
    cat >"$bundle/config.json" <<'J'
{"ociVersion": "1.0.2", "root": {"path": "rootfs"},
 "process": {"args": ["/bin/sh"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"]}}
J
}

make_image() {
    local bundle=$ROOT/bundle
    make_bundle
    swiftlet images add busybox:demo "$bundle" 2>/dev/null ||
        inside curl -sf --unix-socket "$ROOT/r/node.sock" http://node/v1/images \
            -d "{\"name\": \"busybox:demo\", \"path\": \"$bundle\"}"
}

# What an instance has made on this machine; nothing, once it is uninstalled.
leftovers() {
    local id
    id=$(cat "$ROOT/d/instance" 2>/dev/null || echo "$INSTANCE")
    inside ip -o link | grep -o "sw-$id-[^:@]*"
    inside nft list tables 2>/dev/null | grep "swiftlet-$id"
    grep -o "$ROOT/[^ ]*" /proc/self/mountinfo
    find /sys/fs/cgroup -maxdepth 3 -name "swiftlet-$id*" 2>/dev/null
    pgrep -f "$ROOT/r/" || true
}

# The parent of the instance's cgroup at another time.
former_cgroup() { echo "$(findmnt -nt cgroup2 -o TARGET | head -n 1)/$NETNS"; }

clean_up() {
    local former
    stop_server KILL 2>/dev/null
    swiftlet uninstall --yes >/dev/null 2>&1 || true
    former=$(former_cgroup)
    if [ -d "$former" ]; then
        echo 1 >"$former/cgroup.kill"
        eventually 10 find "$former" -depth -type d -exec rmdir {} + 2>/dev/null
    fi
    ip netns del "$NETNS" 2>/dev/null
    ip netns del "$NETNS-out" 2>/dev/null
    [ -n "${KEEP:-}" ] || rm -rf "$ROOT"
}

begin() {
    [ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 77; }
    NETNS=swc$$
    ROOT=$(mktemp -d /tmp/swc.XXXXXX)
    trap clean_up EXIT
    make_network
    start_server || { cat "$ROOT/log"; exit 1; }
    INSTANCE=$(cat "$ROOT/d/instance")
    make_image >/dev/null
}
