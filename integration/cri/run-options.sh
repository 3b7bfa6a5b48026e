# Sourced by run.sh: what docker and podman can be told of a container, by its effect.

run_options() {
    check "a host name of its own, as docker has it" says box swiftlet run -h box busybox:demo hostname
    check "options written as docker takes them" option_words
    check "groups more, by name and number" option_groups
    check "devices, and what may be done with them" option_device
    check "a parameter of its network, and none of the machine's" option_sysctl
    check "name servers and domains" option_dns
    check "security options" option_security
    check "a profile with conditions, as docker has them" profile_conditions
    check "a profile stays as it was when its container was made" profile_is_kept
    check "the machine's processes and shared memory" option_namespaces
    check "an init that collects and leaves signals to the program" option_init
    check "a score for when memory is short" says 300 swiftlet run --oom-score-adj 300 busybox:demo cat /proc/self/oom_score_adj
    check "limits of each process, also of those that come later" option_ulimit
    check "shared memory of a size" option_shared_memory
    check "file systems in memory" option_memory
    check "mounts by their fields" option_mount
    check "names that it knows, this machine's among them" option_hosts
    check "a limit that this host cannot hold is told once" option_limits
    check "a stop signal and its time" option_stop
    check "a working directory that is none is named" says 'working directory "/etc/passwd": Not a directory' swiftlet run --workdir /etc/passwd busybox:demo true
    check "labels and annotations are shown" option_labels
    check "a platform that is not this one is refused" option_platform
    check "a fetch without a word" option_quiet
    check "variables of a pipe, once, and no more than there is room for" option_env_pipe
    check "a file with its id" option_cidfile
    check "a command that leaves before the start takes its container with it" leaves_early
    check "a signal ends the making" leaves_by_signal
    check "commands as another, elsewhere, with variables more, with all rights" exec_options
    check "what was joined is gone when its command ends" gone_at_once
}

option_words() {
    [ "$(swiftlet run --rm=false --rm=1 -i=f -hbox -eA=b -u1000:7 -w=/tmp --quiet=false --sig-proxy --cpu-shares 0 --cpu-quota -1 -l -x busybox:demo sh -c 'echo $A $PWD $(hostname) $(id -u) $(id -g)' -- -eX=y)" = "b /tmp box 1000 7" ] &&
        ends_with 125 swiftlet run --sig-proxy=false busybox:demo true && grep -q -- "--detach" "$ROOT/said" && says "=-x" swiftlet run -e X=-x -e -Y=z busybox:demo env &&
        says eth0 swiftlet run --network bridge --restart no --userns host --no-healthcheck busybox:demo ip -o link
}
option_groups() {
    echo 'tty:x:5:' >"$ROOT/bundle/rootfs/etc/group" && swiftlet images add grouped:1 "$ROOT/bundle" || return 1
    says "groups=0,5(tty),77" swiftlet run -u 1000 --group-add tty --group-add 77 grouped:1 id &&
        swiftlet run --detach --name grouped --group-add tty --group-add 77 grouped:1 sleep 1000 &&
        says "gid=0 groups=0,5(tty),77" swiftlet exec -u 1000 grouped id && swiftlet rm --force grouped &&
        ends_with 125 swiftlet run --group-add nonsense grouped:1 id && grep -q '"nonsense" is neither' "$ROOT/said" && swiftlet images rm grouped:1
}
option_device() {
    says "Operation not permitted" swiftlet run busybox:demo sh -c 'mknod /dev/mine c 10 229; cat /dev/mine' &&
        [ "$(swiftlet run --device /dev/zero:/dev/mine:r busybox:demo sh -c 'head -c 3 /dev/mine | wc -c')" = 3 ] &&
        says "crw" swiftlet run --device /dev/fuse busybox:demo ls -l /dev/fuse &&
        ends_with 125 swiftlet run --device nonsense busybox:demo true && ends_with 125 swiftlet run --device vendor.com/none=none busybox:demo true &&
        grep -q "in no file" "$ROOT/said"
}
option_sysctl() {
    [ "$(swiftlet run --sysctl net.ipv4.ip_default_ttl=7 busybox:demo cat /proc/sys/net/ipv4/ip_default_ttl)" = 7 ] &&
        ends_with 125 swiftlet run --sysctl vm.swappiness=1 busybox:demo true && grep -q "belongs to the whole node" "$ROOT/said" &&
        ends_with 125 swiftlet run --sysctl nonsense busybox:demo true
}
option_dns() {
    [ "$(swiftlet run --dns 192.0.2.9 --dns-search lan --dns-opt ndots:3 busybox:demo cat /etc/resolv.conf | xargs)" = "search lan nameserver 192.0.2.9 options ndots:3" ] &&
        [ "$(swiftlet run --dns-search lan busybox:demo grep nameserver /etc/resolv.conf)" = "$(grep ^nameserver /etc/resolv.conf)" ] &&
        ends_with 125 swiftlet run --dns nonsense busybox:demo true
}
option_security() {
    local seen="grep -E ^(NoNewPrivs|Seccomp): /proc/self/status"
    # shellcheck disable=SC2086
    [ "$(swiftlet run busybox:demo $seen | xargs)" = "NoNewPrivs: 0 Seccomp: 2" ] &&
        [ "$(swiftlet run --security-opt no-new-privileges --security-opt seccomp=unconfined busybox:demo $seen | xargs)" = "NoNewPrivs: 1 Seccomp: 0" ] || return 1
    echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}' >"$ROOT/here.json"
    (cd "$ROOT" && says "No space left" swiftlet run --security-opt seccomp=here.json busybox:demo mkdir /tmp/x) &&
        [ "$(swiftlet run busybox:demo grep -c "/proc/sys proc ro" /proc/mounts)" = 1 ] &&
        [ "$(swiftlet run --security-opt systempaths=unconfined busybox:demo grep -c "/proc/sys proc ro" /proc/mounts)" = 0 ] &&
        [ "$(swiftlet run --security-opt seccomp=builtin busybox:demo grep -c "Seccomp:.2" /proc/self/status)" = 1 ] &&
        ends_with 125 swiftlet run --security-opt nonsense busybox:demo true
}
# What the container has, what the machine is and how old its kernel: chdir fails with another number where each condition holds.
profile_conditions() {
    local machine other
    case $(uname -m) in x86_64) machine=amd64 other=arm64 ;; *) machine=arm64 other=amd64 ;; esac
    cat >"$ROOT/conditions.json" <<J
{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}], "syscalls": [
  {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28, "includes": {"caps": ["CAP_NET_ADMIN"], "arches": ["$machine"], "minKernel": "4.8"}},
  {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 30, "excludes": {"caps": ["CAP_NET_ADMIN"]}},
  {"names": ["rmdir", "unlinkat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28, "includes": {"arches": ["$other"]}},
  {"names": ["rmdir", "unlinkat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28, "includes": {"minKernel": "999.0"}}]}
J
    says "Read-only" swiftlet run --security-opt "seccomp=$ROOT/conditions.json" busybox:demo mkdir /tmp/x &&
        says "No space left" swiftlet run --cap-add NET_ADMIN --security-opt "seccomp=$ROOT/conditions.json" busybox:demo mkdir /tmp/x &&
        swiftlet run --security-opt "seccomp=$ROOT/conditions.json" busybox:demo rmdir /tmp || return 1
    sed -i 's/minKernel": "4.8/sinceKernel": "4.8/' "$ROOT/conditions.json" &&
        ends_with 125 swiftlet run --security-opt "seccomp=$ROOT/conditions.json" busybox:demo true && grep -q "conditions.json.*sinceKernel" "$ROOT/said"
}
profile_is_kept() {
    echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}' >"$ROOT/kept.json" &&
        swiftlet run --detach --name kept --security-opt "seccomp=$ROOT/kept.json" busybox:demo sleep 1000 || return 1
    echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$ROOT/kept.json"
    says "No space left" swiftlet exec kept mkdir /tmp/x && rm "$ROOT/kept.json" && says "No space left" swiftlet exec -u 1000 kept mkdir /tmp/x || return 1
    stop_server KILL
    start_server && says "No space left" swiftlet exec kept mkdir /tmp/x && swiftlet exec --privileged kept mkdir /tmp/x && swiftlet rm --force kept &&
        [ -z "$(find "$ROOT/r/runtime" -name '*.seccomp')" ]
}
option_namespaces() {
    [ "$(swiftlet run --pid host busybox:demo readlink /proc/self/ns/pid)" = "$(readlink /proc/self/ns/pid)" ] &&
        [ "$(swiftlet run --ipc host busybox:demo readlink /proc/self/ns/ipc)" = "$(readlink /proc/self/ns/ipc)" ] &&
        [ "$(swiftlet run busybox:demo readlink /proc/self/ns/pid)" != "$(readlink /proc/self/ns/pid)" ] && ends_with 125 swiftlet run --pid nonsense busybox:demo true
}
# A program that is process 1 has the children of others that have ended to collect, and takes no signal that it does not handle.
option_init() {
    local leaves='sh -c "sleep 0.2 &"; exec sleep 1000'
    swiftlet run --detach --name init --init busybox:demo sh -c "$leaves" && swiftlet run --detach --name without busybox:demo sh -c "$leaves" &&
        eventually 10 sleeps_in without 1 Z && eventually 10 sleeps_in init 0 Z && sleeps_in init 1 S && swiftlet kill --signal TERM without init &&
        [ "$(swiftlet wait init)" = 143 ] && sleeps_in without 1 S && swiftlet rm init && swiftlet rm --force without
}
# sleeps_in NAME COUNT STATE
sleeps_in() { [ "$(swiftlet exec "$1" ps -o stat,comm | grep -c "^$3.* sleep")" = "$2" ]; }
option_limits() {
    local held=0
    grep -qw pids "$(findmnt -nt cgroup2 -o TARGET | head -n 1)/cgroup.controllers" && held=1
    swiftlet run --pids-limit 40 --oom-score-adj -1000 busybox:demo cat /sys/fs/cgroup/pids.max >"$ROOT/said" 2>&1
    if [ "$held" = 1 ]; then grep -qx 40 "$ROOT/said"; else [ "$(grep -c "process limit 40 is not held" "$ROOT/said")" = 1 ]; fi &&
        [ "$(sort "$ROOT/said" | uniq -d | wc -l)" = 0 ] || { cat "$ROOT/said"; return 1; }
}
option_ulimit() {
    swiftlet run --detach --name bound --ulimit nofile=100:200 --ulimit core=0 busybox:demo sleep 1000 &&
        [ "$(swiftlet run --ulimit nofile=100:200 busybox:demo sh -c 'ulimit -Sn; ulimit -Hn' | xargs)" = "100 200" ] &&
        [ "$(swiftlet exec bound sh -c 'ulimit -Sn; ulimit -c' | xargs)" = "100 0" ] && swiftlet rm --force bound &&
        ends_with 125 swiftlet run --ulimit nonsense=1 busybox:demo true && ends_with 125 swiftlet run --ulimit nofile=2:1 busybox:demo true
}
option_shared_memory() {
    [ "$(swiftlet run --shm-size 3m busybox:demo sh -c 'df -k /dev/shm | tail -n 1' | awk '{print $2}')" = 3072 ] &&
        says "No space left" swiftlet run --shm-size 1m busybox:demo dd if=/dev/zero of=/dev/shm/x bs=1M count=2 &&
        ends_with 125 swiftlet run --shm-size 1m --ipc host busybox:demo true
}
option_memory() {
    [ "$(swiftlet run --read-only --tmpfs /fast:size=2m,mode=700 busybox:demo sh -c 'echo a >/fast/b && cat /fast/b; df -k /fast | tail -n 1' | awk '{print $1, $2}' | xargs)" = "a tmpfs 2048" ] &&
        says "Permission denied" swiftlet run --tmpfs /fast busybox:demo sh -c 'cp /bin/busybox /fast/true && /fast/true' &&
        swiftlet run --tmpfs /fast:exec busybox:demo sh -c 'cp /bin/busybox /fast/true && /fast/true' &&
        says "Read-only" swiftlet run --read-only busybox:demo touch /fast && ends_with 125 swiftlet run --tmpfs /fast:nonsense busybox:demo true
}
option_mount() {
    mkdir -p "$ROOT/volume" && echo kept >"$ROOT/volume/file" || return 1
    says kept swiftlet run --mount "type=bind,src=$ROOT/volume,dst=/v" busybox:demo sh -c 'cat /v/file; echo >/v/more' && [ -e "$ROOT/volume/more" ] &&
        says "Read-only" swiftlet run --mount "type=bind,source=$ROOT/volume,target=/v,readonly" busybox:demo touch /v/more &&
        says "Read-only" swiftlet run -v "$ROOT/volume:/v:Z,ro" busybox:demo touch /v/more &&
        [ "$(swiftlet run --mount type=tmpfs,target=/t,tmpfs-size=1m busybox:demo df -k /t | tail -n 1 | awk '{print $2}')" = 1024 ] &&
        ends_with 125 swiftlet run --mount type=volume,target=/t busybox:demo true && ends_with 125 swiftlet run --mount type=tmpfs,target=/t,nonsense=1 busybox:demo true
}
# A server of this machine's, at the address that is its own among the pods.
option_hosts() {
    local server
    mkdir -p "$ROOT/here" && echo found >"$ROOT/here/index.html"
    nsenter "--net=/run/netns/$NETNS" busybox httpd -f -p 18090 -h "$ROOT/here" >/dev/null 2>&1 &
    server=$!
    eventually 10 says found swiftlet run --add-host machine:host-gateway busybox:demo wget -qO- http://machine:18090/
    local status=$?
    kill "$server"
    [ "$status" = 0 ] && says "192.0.2.7" swiftlet run --add-host other=192.0.2.7 busybox:demo grep other /etc/hosts &&
        says "192.0.2.7" swiftlet run --network host --add-host other:192.0.2.7 busybox:demo grep other /etc/hosts &&
        ends_with 125 swiftlet run --add-host nonsense busybox:demo true
}
option_stop() {
    swiftlet run --detach --name told --stop-signal USR1 busybox:demo sh -c 'trap "exit 9" USR1; echo ready; while :; do sleep 0.1; done' &&
        eventually 10 says ready swiftlet logs told && swiftlet stop told && [ "$(swiftlet wait told)" = 9 ] && swiftlet rm told || return 1
    swiftlet run --detach --name told --stop-timeout 1 busybox:demo sleep 1000 || return 1
    # It would be 10 seconds otherwise.
    timeout 8 "$BIN/swiftlet" stop --data-dir "$ROOT/d" --run-dir "$ROOT/r" --config-dir "$ROOT/c" told && [ "$(swiftlet wait told)" = 137 ] && swiftlet rm told
}
option_labels() {
    swiftlet run --detach --name marked -l colour=blue --label bare --annotation note=this busybox:demo true &&
        swiftlet inspect marked | python3 -c '
import json, sys
container = json.load(sys.stdin)["containers"][0]
assert container["labels"]["colour"] == "blue" and container["labels"]["bare"] == "" and container["annotations"] == {"note": "this"}, container' &&
        swiftlet wait marked && swiftlet rm marked
}
option_platform() {
    local machine other
    case $(uname -m) in x86_64) machine=amd64 other=arm64 ;; *) machine=arm64 other=amd64 ;; esac
    swiftlet run --platform "linux/$machine" busybox:demo true && swiftlet run --platform "$machine" busybox:demo true &&
        ends_with 125 swiftlet run --platform "linux/$other" busybox:demo true && grep -q "linux/$machine.* alone" "$ROOT/said"
}
option_quiet() {
    [ "$(swiftlet run --quiet --pull always 127.0.0.1:1/none:1 2>&1 | wc -l)" = 1 ]
}
option_env_pipe() {
    says "red blue" swiftlet run --env-file <(printf 'FIRST=red\n') --env-file <(echo SECOND=blue) busybox:demo sh -c 'echo $FIRST $SECOND' &&
        [ "$(echo THIRD=green | swiftlet run --env-file /dev/stdin busybox:demo sh -c 'echo $THIRD')" = green ] &&
        ends_with 125 swiftlet run --env-file /dev/zero busybox:demo true && grep -q "/dev/zero: File too large" "$ROOT/said"
}
option_cidfile() {
    swiftlet run --detach --name filed --cidfile "$ROOT/id" busybox:demo sleep 1000 && [ "$(swiftlet rm --force "$(cat "$ROOT/id")")" = filed ] &&
        ends_with 125 swiftlet run --cidfile "$ROOT/id" busybox:demo true && grep -q "there already" "$ROOT/said" && rm "$ROOT/id" &&
        ends_with 127 swiftlet run --cidfile "$ROOT/id" busybox:demo no-such-command && [ ! -e "$ROOT/id" ]
}
# One that stays shows that what leaves would have started.
leaves_early() {
    local each
    python3 integration/cri/leaver.py "$ROOT/r/node.sock" stays --stay && says '(run)/stays' swiftlet ps && swiftlet rm --force stays || return 1
    for each in $(seq 20); do
        python3 integration/cri/leaver.py "$ROOT/r/node.sock" "leaves-$each" "$ROOT/r/runtime/sandboxes" || return 1
        eventually 10 left "$each" || { echo "leaves-$each was neither given up nor started"; return 1; }
        if given_up "$each"; then
            eventually 10 has_none
            return
        fi
        # It had started before.
        swiftlet rm --force "leaves-$each" || return 1
    done
    echo "each of 20 had started before its command left"
    return 1
}
given_up() { grep -q "name=leaves-$1 .*container not run" "$ROOT/log"; }
left() { given_up "$1" || says "(run)/leaves-$1 " swiftlet ps; }
# A directory of a file system whose server never answers.
leaves_by_signal() {
    local server run status
    mkdir -p "$ROOT/silent.d"
    python3 -c '
import ctypes, os, sys, time
device = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
assert libc.mount(b"silent", sys.argv[1].encode(), b"fuse", 0, options) == 0, os.strerror(ctypes.get_errno())
print("ready", flush=True)
time.sleep(100)' "$ROOT/silent.d" >"$ROOT/silent" 2>&1 &
    server=$!
    eventually 10 grep -q ready "$ROOT/silent" || { cat "$ROOT/silent"; return 1; }
    swiftlet run --name waits -v "$ROOT/silent.d/x:/x" busybox:demo true >"$ROOT/said" 2>&1 &
    run=$!
    eventually 10 being_made waits && kill -TERM "$(command_of "--name waits")"
    wait "$run"
    status=$?
    kill -KILL "$server"
    umount -l "$ROOT/silent.d"
    [ "$status" = 143 ] || { echo "it ended with $status: $(cat "$ROOT/said")"; return 1; }
    eventually 15 has_none
}
being_made() { grep -lq "\"$1\"" "$ROOT"/r/runtime/sandboxes/*/sandbox.json; }
gone_at_once() {
    local each
    for each in 1 2 3 4 5 6 7 8; do swiftlet run --name again busybox:demo true || return 1; done
    swiftlet images tag busybox:demo brief:1 && swiftlet run brief:1 true && swiftlet images rm brief:1 && has_none
}
exec_options() {
    local caps="grep -E ^(CapEff|Seccomp): /proc/self/status"
    swiftlet run --detach --name host -e A=old busybox:demo sleep 1000 && swiftlet exec host sh -c 'echo joe:x:77:78::/home/joe:/bin/sh >>/etc/passwd' || return 1
    [ "$(swiftlet exec -ujoe -w /tmp -eA=new -e B=c host sh -c 'echo $(id -u):$(id -g) $HOME $PWD $A $B')" = "77:78 /home/joe /tmp new c" ] &&
        [ "$(swiftlet exec -u 5:6 host sh -c 'id -u; id -g; echo $A' | xargs)" = "5 6 old" ] && [ "$(swiftlet exec -u :9 host sh -c 'id -u; id -g' | xargs)" = "0 9" ] && says '"nobody2" is not in' swiftlet exec -u nobody2 host true || return 1
    # shellcheck disable=SC2086
    [ "$(swiftlet exec host $caps | xargs)" = "CapEff: 00000000a80425fb Seccomp: 2" ] &&
        [ "$(swiftlet exec --privileged host $caps | xargs)" = "$(swiftlet run --privileged busybox:demo $caps | xargs)" ] && swiftlet rm --force host
}
