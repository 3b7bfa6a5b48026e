#!/usr/bin/env bash
# The virtual machine's disk: Debian 12 with systemd, cgroup v2 alone and Debian's cloud kernel. Built once for its inputs (this file, the list of
# packages, the kernel's version) and kept in ${SWIFTLET_VM_CACHE:-~/.cache/swiftlet}. Prints the folder with vmlinuz, initrd.img and base.qcow2.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
install_packages qemu-system-x86 qemu-utils mmdebstrap e2fsprogs busybox-static kmod cpio >&2

# What the machine has beyond a minimal Debian: systemd, the libraries that our package depends on, and what checks look with.
PACKAGES=systemd,systemd-sysv,dbus,udev,iproute2,nftables,kmod,procps,libseccomp2,libcap2,libmnl0,libnftnl11,libsqlite3-0,libyaml-0-2,libarchive13,ca-certificates,zlib1g,libstdc++6,python3,e2fsprogs

kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ {print $2; exit}')
[ -n "$kernel" ] || { apt_get update >&2; kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ {print $2; exit}'); }
[ -n "$kernel" ] || { echo "image.sh: Debian's archive has no linux-image-cloud-amd64" >&2; exit 1; }
inputs=$({ echo "$kernel $PACKAGES"; cat integration/vm/image.sh; } | sha256sum | cut -c1-16)
cache=${SWIFTLET_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/swiftlet}
image=$cache/vm-$inputs
[ -f "$image/base.qcow2" ] && { echo "$image"; exit 0; }

echo "building the virtual machine's image ($kernel); this takes some minutes the first time" >&2
mkdir -p "$cache"
work=$(mktemp -d "$cache/.building.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root out=$work/out
mkdir "$out"

# In a mount namespace of its own: what a broken-off build had mounted is gone with it, before the trap deletes.
unshare --mount --propagation private mmdebstrap --quiet --variant=minbase --mode=root --include="$PACKAGES" \
    --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    bookworm "$root" >&2

# The kernel is only unpacked: without initramfs-tools that saves most of a minute.
(cd "$work" && apt_get -o APT::Sandbox::User=root download "$kernel" >&2 && dpkg-deb -x linux-image-*.deb kernel)
cp -a "$work"/kernel/lib/modules "$root/usr/lib/"
version=$(ls "$root/usr/lib/modules")
for unused in sound drivers/gpu drivers/media drivers/scsi drivers/infiniband drivers/hv drivers/xen drivers/net/ethernet fs/xfs fs/btrfs; do
    rm -rf "$root/usr/lib/modules/$version/kernel/$unused"
done
depmod -b "$root" "$version"
cp "$work/kernel/boot/vmlinuz-$version" "$out/vmlinuz"

# A quiet machine that logs in nobody, and one unit that runs the suite from the payload disk.
echo swiftlet-vm >"$root/etc/hostname"
echo '127.0.0.1 localhost swiftlet-vm' >"$root/etc/hosts"
printf '/dev/vda / ext4 rw,noatime 0 1\n' >"$root/etc/fstab"
printf 'overlay\nvirtio_console\nvirtio_net\nvirtio_rng\n' >"$root/etc/modules-load.d/vm.conf"
echo 11111111111111111111111111111111 >"$root/etc/machine-id"
for unit in systemd-timesyncd.service getty@tty1.service serial-getty@ttyS0.service getty.target apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-resolved.service \
    systemd-update-utmp.service systemd-random-seed.service nftables.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
mkdir -p "$root/etc/systemd/network" "$root/payload" "$root/etc/systemd/system/multi-user.target.wants"
cat >"$root/etc/systemd/system/vm-suite.service" <<'U'
[Unit]
Description=Suite of checks from the payload disk
After=basic.target dbus.service systemd-logind.service
[Service]
Type=exec
ExecStart=/payload/vm-suite
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
KillMode=process
OOMScoreAdjust=-1000
[Install]
WantedBy=multi-user.target
U
ln -sf ../vm-suite.service "$root/etc/systemd/system/multi-user.target.wants/vm-suite.service"

# The first root: busybox and the modules that the disk needs.
first=$work/first
mkdir -p "$first"/{bin,lib,dev,proc,sys,mnt}
cp /bin/busybox "$first/bin/busybox"
for module in virtio_pci virtio_mmio virtio_blk ext4; do modprobe -d "$root" -S "$version" --show-depends "$module"; done |
    awk '/^insmod/ && !seen[$2]++ {print $2}' | while read -r file; do
    cp "$file" "$first/lib/"
    basename "$file" >>"$first/lib/order"
done
cat >"$first/init" <<'X'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
for module in $(cat /lib/order); do insmod "/lib/$module"; done
while [ ! -b /dev/vda ]; do usleep 50000; done
mount -t ext4 -o rw,noatime /dev/vda /mnt
until payload=$(grep -lx payload /sys/block/*/serial); do usleep 50000; done
payload=${payload#/sys/block/}
mount -t ext4 -o ro "/dev/${payload%/serial}" /mnt/payload
umount /proc /sys; mount --move /dev /mnt/dev
echo 'vm: to systemd' >/mnt/dev/console
exec switch_root /mnt /sbin/init
X
chmod 755 "$first/init"
(cd "$first" && find . | cpio -o -H newc --quiet) >"$out/initrd.img"

rm -rf "$root"/boot/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
truncate -s 6G "$work/base.ext4"
mke2fs -q -t ext4 -m 0 -d "$root" "$work/base.ext4"
qemu-img convert -O qcow2 "$work/base.ext4" "$out/base.qcow2"
mv "$out" "$image"
rm -rf "$work"
trap - EXIT
# Older images of other inputs only take room.
find "$cache" -maxdepth 1 -name 'vm-*' ! -path "$image" -mtime +7 -exec rm -rf {} +
echo "$image"
