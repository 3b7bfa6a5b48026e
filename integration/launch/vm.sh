#!/bin/bash
# The launch checks on the oldest kernel we support, with every cgroup v2 controller: Debian 12's 6.1 under QEMU's
# software emulation, booted straight into the checks. Takes two minutes or more.
# needs: qemu-system-x86, cpio, kmod, busybox-static and Debian's package archive.
# usage, as root: [SWIFTLET_BIN=built products] integration/launch/vm.sh
set -eu
cd "$(dirname "$0")/../.."
bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    swift build --product swiftlet-podmonitor >&2
    swift build --product launch-check >&2
    bin=$(swift build --show-bin-path)
fi
bin=$(realpath "$bin")
work=$(mktemp -d /tmp/swiftlet-vm.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ {print $2; exit}')
apt-get -qq -o APT::Sandbox::User=root download "$package"
dpkg-deb -x linux-image-*.deb kernel
version=$(ls kernel/lib/modules)
depmod -b kernel "$version"

# Everything the checks need, with the libraries where the linker looks for them.
mkdir -p root/{bin,lib,lib64,mod}
cp "$bin/launch-check" "$bin/swiftlet-podmonitor" /bin/busybox root/bin/
cp /bin/mount root/bin/mount.real
ldd root/bin/launch-check /bin/mount | grep -o '/[^ ]*\.so[^ ]*' | sort -u | while read -r library; do
    mkdir -p "root/$(dirname "$library")"
    cp -L "$library" "root/$library"
done
modprobe -d "$PWD/kernel" -S "$version" --show-depends overlay | awk '/^insmod/ {print $2}' | while read -r module; do
    cp "$module" root/mod/
    basename "$module" >>root/mod/list
done
# pivot_root does not work on the first root filesystem of a boot: a tmpfs takes its place.
cat >root/init <<'X'
#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /mnt
$b mount -t tmpfs -o size=1500m t /mnt
for part in bin lib lib64 mod opt usr; do [ -d /$part ] && $b cp -a /$part /mnt/; done
$b mkdir -p /mnt/dev /mnt/proc /mnt/sys /mnt/tmp /mnt/etc
$b cp /stage2 /mnt/stage2
$b mount -t devtmpfs d /mnt/dev
exec $b switch_root /mnt /stage2
X
cat >root/stage2 <<'X'
#!/bin/busybox sh
export PATH=/bin:/usr/bin
/bin/busybox --install -s /bin
rm -f /bin/mount; cp /bin/mount.real /bin/mount
busybox mount -t proc p /proc; busybox mount -t sysfs s /sys; busybox mount -t cgroup2 c /sys/fs/cgroup
for module in $(cat /mod/list); do insmod "/mod/$module"; done
ip link set lo up
uname -a
launch-check /bin/swiftlet-podmonitor
echo "vm: status $?"
echo o > /proc/sysrq-trigger; sleep 5
X
chmod 755 root/init root/stage2
(cd root && find . | cpio -o -H newc --quiet | gzip -1 >../initrd.gz)
timeout -k 5 "${TMO:-900}" qemu-system-x86_64 -accel tcg,thread=multi,tb-size=512 \
    -cpu max,la57=off,smap=off,smep=off -smp 2 -m 2560 -M q35 -nodefaults -no-user-config -display none -no-reboot \
    -kernel kernel/boot/vmlinuz-"$version" -initrd initrd.gz -serial file:console.log -monitor none \
    -append "console=ttyS0 quiet loglevel=3 mitigations=off nokaslr panic=-1 audit=0 tsc=reliable rdinit=/init" || true
cat console.log
grep -q 'vm: status 0' console.log
