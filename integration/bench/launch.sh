#!/bin/bash
# Create to exec'd, side by side: the kernel's floor (a C program), our launch path, Debian's crun and runc.
# usage, as root: [SWIFTLET_BIN=built products] integration/bench/launch.sh [debug|release]
set -eu
cd "$(dirname "$0")/../.."
configuration=${1:-release}
bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    swift build -c "$configuration" --product swiftlet-podmonitor >&2
    swift build -c "$configuration" --product launch-bench >&2
    bin=$(swift build -c "$configuration" --show-bin-path)
fi
work=$(mktemp -d /tmp/swiftlet-floor.XXXXXX)
unified=$(awk '{for (i = 7; i <= NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") {print $5; exit}}' /proc/self/mountinfo)
group=$unified/swiftlet-floor-$$
clean() { rmdir "$group" 2>/dev/null || true; rm -rf "$work"; }
trap clean EXIT
mkdir "$group"
mkdir -p "$work"/rootfs/{bin,proc,dev,sys,tmp}
cp /bin/busybox "$work/rootfs/bin/busybox"
ln -s busybox "$work/rootfs/bin/sleep"
cc -O2 -o "$work/floor" integration/bench/launch/floor.c
"$bin/launch-bench" filter "$work/filter"
for pass in 1 2; do
    echo "pass $pass"
    "$work/floor" "$group" "$work/rootfs" "$work/filter" 200
    FLOOR_IN_POD=1 unshare -n -i -u "$work/floor" "$group" "$work/rootfs" "$work/filter" 200
    "$bin/launch-bench" ours "$bin/swiftlet-podmonitor"
    for runtime in crun runc; do
        path=$(command -v $runtime) || { echo "$runtime      not installed"; continue; }
        # They refuse a host that shows both kinds of cgroup: let them see the unified one alone.
        # shellcheck disable=SC2016
        unshare -m --propagation private bash -c '
            if [ "$1" != /sys/fs/cgroup ]; then
                mount -t tmpfs none /mnt; mkdir /mnt/one; mount --bind "$1" /mnt/one
                umount -R -l /sys/fs/cgroup; mount --bind /mnt/one /sys/fs/cgroup
            fi
            exec "$2" peer "$3" "$4"' _ "$unified" "$bin/launch-bench" "$path" "$work" || echo "$runtime      failed"
    done
done
