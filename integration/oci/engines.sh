#!/bin/bash
# Debian's podman, buildah and containerd with swiftlet-oci as their runtime. usage, as root: engines.sh RUNTIME
set -u
cd "$(dirname "$0")/../.."
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
runtime=$(realpath "$1")
install_packages podman buildah containerd conmon busybox-static >&2
work=$(mktemp -d /tmp/oci-engines-XXXXXX)
passed=0 failed=0 skipped=0

# The configuration keeps to this folder. Limits: podman's own go beyond what a caller without CAP_SYS_RESOURCE may set.
export CONTAINERS_CONF=$work/containers.conf
cat >"$CONTAINERS_CONF" <<C
[engine]
runtime = "swiftlet-oci"
runtime_supports_nocgroup = ["swiftlet-oci"]
runtime_supports_json = ["swiftlet-oci"]
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
swiftlet-oci = ["$runtime"]
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
C
storage=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)
podman() { timeout 180 podman "${storage[@]}" "$@"; }
buildah() { timeout 300 buildah "${storage[@]}" "$@"; }
ctr() { timeout 180 ctr --address "$work/sock" "$@"; }
daemon=

end() {
    podman pod rm --all --force >/dev/null 2>&1
    podman rm --all --force --time 0 >/dev/null 2>&1
    [ -z "$daemon" ] || { kill "$daemon"; wait "$daemon"; } 2>/dev/null
    mount | cut -d' ' -f3 | grep "^$work/" | sort -r | xargs -r umount -l
    rm -rf "$work"
}
trap end EXIT

# check TITLE WANTED COMMAND...: what the command prints must hold the wanted text.
check() {
    local title=$1 wanted=$2 out
    shift 2
    out=$("$@" 2>&1)
    if grep -qF -- "$wanted" <<<"$out"; then
        echo "ok    $title"
        passed=$((passed + 1))
    else
        echo "FAIL  $title: \"$wanted\" is not in: $(tr '\n' ' ' <<<"$out")"
        failed=$((failed + 1))
    fi
}

# soon TITLE WANTED COMMAND...: the same with a command that is called again until it says so, for half a minute.
soon() {
    local wanted=$2
    for _ in $(seq 60); do
        grep -qF -- "$wanted" <<<"$("${@:3}" 2>&1)" && break
        sleep 0.5
    done
    check "$@"
}

mkdir -p "$work"/tree/{bin,proc,sys,dev,tmp,etc}
cp /bin/busybox "$work/tree/bin/"
for name in sh cat echo id sleep readlink ls tty test mkdir; do ln -s busybox "$work/tree/bin/$name"; done
tar -C "$work/tree" -cf "$work/tree.tar" .
podman import "$work/tree.tar" localhost/box >/dev/null 2>&1
run=(podman run --network none)

check "podman info" "swiftlet-oci version $(sed -n 's/.*let version = "\(.*\)"/\1/p' Sources/Launch/Release.swift)" podman info --format '{{.Host.OCIRuntime.Version}}'
check "podman run" "uid=0" "${run[@]}" --rm localhost/box id
check "podman run, exit code" "code 7" bash -c '"$@"; echo code $?' - timeout 180 /usr/bin/podman "${storage[@]}" run --rm --network none localhost/box sh -c 'exit 7'
check "podman run without cgroups" "0::/" "${run[@]}" --rm --cgroups=disabled localhost/box cat /proc/self/cgroup
check "podman run as a user, read-only, without capabilities" "CapEff:	0000000000000000" "${run[@]}" --rm --user 5:5 --read-only --cap-drop all localhost/box cat /proc/self/status
check "podman run with a terminal" "/dev/pts/0" timeout 240 script -qec "exec timeout --foreground 180 /usr/bin/podman ${storage[*]} run --rm -t --network none localhost/box tty" /dev/null
check "podman run in a user namespace" "100000" "${run[@]}" --rm --uidmap 0:100000:5000 localhost/box cat /proc/self/uid_map
check "podman run with a volume" "shared" "${run[@]}" --rm -v "$work/tree/etc:/v" localhost/box sh -c 'echo shared >/v/file; cat /v/file'
"${run[@]}" -d --name one localhost/box sh -c 'echo begun; while :; do sleep 0.1; done' >/dev/null 2>&1
check "podman exec" "in exec" podman exec one echo in exec
soon "podman logs" "begun" podman logs one
check "podman pause" "paused" bash -c '"$@" pause one; "$@" inspect one --format "{{.State.Status}}"' - timeout 180 /usr/bin/podman "${storage[@]}"
check "podman unpause" "running" bash -c '"$@" unpause one; "$@" inspect one --format "{{.State.Status}}"' - timeout 180 /usr/bin/podman "${storage[@]}"
soon "podman top" "sleep 0.1" podman top one
check "podman stop" "exited" bash -c '"$@" stop --time 1 one; "$@" inspect one --format "{{.State.Status}}"' - timeout 180 /usr/bin/podman "${storage[@]}"
check "podman start again" "running" bash -c '"$@" start one; "$@" inspect one --format "{{.State.Status}}"' - timeout 180 /usr/bin/podman "${storage[@]}"
check "podman rm" "one" podman rm --force --time 0 one
podman pod create --name pair --network none --share ipc,uts,net --infra-image localhost/box --infra-command 'sleep 1000' >/dev/null 2>&1
"${run[@]:0:2}" -d --pod pair --name first localhost/box sleep 1000 >/dev/null 2>&1
net=$(podman exec first readlink /proc/self/ns/net 2>/dev/null)
check "podman pod of two shares its network" "${net:-none}" podman run --rm --pod pair localhost/box readlink /proc/self/ns/net
check "podman pod rm" "pair is gone" bash -c '"$@" pod rm --force --time 0 pair >/dev/null 2>&1; "$@" pod exists pair || echo pair is gone' - timeout 180 /usr/bin/podman "${storage[@]}"
printf 'FROM localhost/box\nRUN echo built >/made && mkdir /folder\nRUN cat /made\nCMD ["cat", "/made"]\n' >"$work/Containerfile"
check "buildah builds with RUN steps" "Successfully tagged localhost/built:latest" buildah bud --isolation oci --runtime "$runtime" --network none \
    --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 -t localhost/built -f "$work/Containerfile" "$work/tree/etc"
check "podman runs what buildah built" "built" "${run[@]}" --rm localhost/built

cat >"$work/containerd.toml" <<C
version = 2
root = "$work/containerd"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$work/sock"
C
podman save --format oci-archive -o "$work/box.tar" localhost/box >/dev/null 2>&1
containerd --config "$work/containerd.toml" >"$work/containerd.log" 2>&1 &
daemon=$!
for _ in $(seq 600); do [ -S "$work/sock" ] && break; sleep 0.1; done
with=(--snapshotter native --runtime io.containerd.runc.v2 --runc-binary "$runtime")
ctr images import --snapshotter native "$work/box.tar" >/dev/null 2>&1
image=$(ctr images ls -q)
check "containerd: run" "uid=0" ctr run --rm "${with[@]}" "$image" one id
ctr run -d "${with[@]}" "$image" two sleep 1000 >/dev/null 2>&1
# containerd 1.6 loses the output of one exec in some hundred, with runc too.
for id in e1 e2 e3; do said=$(ctr tasks exec --exec-id $id two echo in exec 2>&1) && [ -n "$said" ] && break; done
check "containerd: exec" "in exec" echo "$said"
check "containerd: pause" "PAUSED" bash -c '"$@" pause two; "$@" ls' - timeout 180 /usr/bin/ctr --address "$work/sock" tasks
check "containerd: resume" "RUNNING" bash -c '"$@" resume two; "$@" ls' - timeout 180 /usr/bin/ctr --address "$work/sock" tasks
ctr tasks kill -s KILL two >/dev/null 2>&1
soon "containerd: kill" "STOPPED" ctr tasks ls
ctr tasks rm two >/dev/null 2>&1
check "containerd: remove" "left: none" bash -c '"$@" rm two; echo left: $("$@" ls -q) none' - timeout 180 /usr/bin/ctr --address "$work/sock" containers
if grep -q memory "$(findmnt -nt cgroup2 -o TARGET | head -n 1)/cgroup.controllers"; then
    "${run[@]}" -d --name limited localhost/box sleep 1000 >/dev/null 2>&1
    podman update --memory 64m limited >/dev/null 2>&1
    check "podman update" "67108864" podman exec limited cat /sys/fs/cgroup/memory.max
else
    echo "skip  podman update: the memory controller of this host is bound to cgroup v1"
    skipped=$((skipped + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
