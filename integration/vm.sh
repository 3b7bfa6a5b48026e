#!/usr/bin/env bash
# What needs cgroup v2's controllers, systemd, a reboot or a power cut: the Debian package in a virtual machine.
#   integration/vm.sh [--list] [--only NAME]... [--keep]
# Ends with 77 where it cannot run. SWIFTLET_BIN is a folder with products that are built already (release, with the Swift runtime linked in).
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --list "*) exec python3 integration/vm/run.py "$@" ;; esac
[ "$(id -u)" = 0 ] || { echo "vm.sh: building the machine's image needs root" >&2; exit 2; }
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
# shellcheck source=integration/cri/python.sh
source integration/cri/python.sh
install_packages qemu-system-x86 qemu-utils mmdebstrap python3 busybox-static e2fsprogs kmod cpio libsepol2 podman conmon containerd &&
    { command -v kubectl >/dev/null || install_packages kubernetes-client; } || {
    echo "      vm: QEMU and what builds the machine's image cannot be installed here"
    exit 77
}
image=$(integration/vm/image.sh)
work=$(mktemp -d /tmp/swiftlet-payload.XXXXXX)
trap 'rm -rf "$work"' EXIT

# The payload disk: the package, once more under a higher version for the upgrade, a busybox bundle, the suite, README with the kubectl that it names, and
# podman with its libraries, the C library's apart, which are the machine's own; containerd, and the client of integration/cri for the machine's Python.
disk=$work/disk
mkdir -p "$disk/bundle/rootfs"/{bin,etc,tmp,root}
export SWIFTLET_DEB_COMPRESSION=none
packaging/deb.sh "$disk" >&2
version=$(basename "$disk"/swiftlet_*.deb | cut -d_ -f2)
SWIFTLET_VERSION=$version+1 packaging/deb.sh "$disk/newer" >&2
cp -r integration/vm/guest "$disk/suite"
cp -r integration/oci "$disk/oci"
rm -rf "$disk"/{suite,oci}/__pycache__
cp README.md "$disk/"
cp -L "$(command -v kubectl)" "$disk/"
# A profile is compiled here, by a parser that is only unpacked: installed it would confine programs of this machine.
(cd "$work" && apt_get -o APT::Sandbox::User=root download apparmor >&2 && dpkg-deb -x apparmor_*.deb apparmor)
features=$work/apparmor/usr/share/apparmor-features/features
"$work/apparmor/sbin/apparmor_parser" --config-file /dev/null --policy-features "$features" \
    --kernel-features "$features" --skip-kernel-load --stdout integration/vm/guest/apparmor.profile >"$disk/apparmor.bin"
cp "$work/apparmor/sbin/apparmor_parser" "$disk/"
(cd "$work" && apt_get -o APT::Sandbox::User=root download secilc >&2 && dpkg-deb -x secilc_*.deb secilc)
{ seq -f '(category c%g)' 0 1023 && echo "(categoryorder ($(seq -f c%g -s ' ' 0 1023)))"; } >"$work/categories.cil"
"$work/secilc/usr/bin/secilc" --policyvers=33 --filecontext=/dev/null --output="$disk/selinux.bin" integration/vm/guest/selinux.cil "$work/categories.cil"
mkdir "$disk/podman" "$disk/containerd"
cp /usr/bin/podman /usr/bin/conmon "$disk/podman/"
ldd /usr/bin/podman /usr/bin/conmon | awk '/=> \// {print $3}' | grep -vE '/lib[cm]\.so' | sort -u | xargs cp -Lt "$disk/podman/"
cp /usr/bin/{containerd,containerd-shim-runc-v2,ctr} "$disk/containerd/"
python3 integration/containerd/image.py docker.io/library/busybox:vm "$disk/containerd/image.tar"
make_python "$disk/cri" >&2
cp integration/cri/conformance/{world,metrics}.py "$disk/cri/"
cp -r .build/cri-python/lib/python3*/site-packages/{grpc,google,typing_extensions.py} "$disk/cri/"
case " $* " in *" weakened "* | "  ") integration/vm/weakened.sh "$disk/weakened" ;; esac
printf '#!/bin/sh\nexec python3 -B /payload/suite\n' >"$disk/vm-suite"
chmod 755 "$disk/vm-suite"
cp /bin/busybox "$disk/bundle/rootfs/bin/"
chroot "$disk/bundle/rootfs" /bin/busybox --install -s /bin
echo 'root:x:0:0:root:/root:/bin/sh' >"$disk/bundle/rootfs/etc/passwd"
echo 'root:x:0:' >"$disk/bundle/rootfs/etc/group"
cat >"$disk/bundle/config.json" <<'J'
{"ociVersion": "1.0.2", "process": {"args": ["/bin/sh"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"]}, "root": {"path": "rootfs"}}
J
mke2fs -q -t ext4 -m 0 -d "$disk" "$work/payload.ext4" 600M
python3 -B integration/vm/run.py --payload "$work/payload.ext4" --image "$image" "$@"
