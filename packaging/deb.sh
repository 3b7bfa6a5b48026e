#!/usr/bin/env bash
# Builds the Debian package from the release build and prints its path.
#   packaging/deb.sh [FOLDER]       default: .build/deb
# SWIFTLET_DEB_COMPRESSION (xz) may be none, where the package is only tried. SWIFTLET_VERSION is the package's version; SWIFTLET_BIN a folder with products that are built already.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
out=${1:-.build/deb}
version=${SWIFTLET_VERSION:-$(sed -n 's/.*let version = "\([0-9.]*\)".*/\1/p' Sources/Launch/Release.swift)}
[ -n "$version" ] || { echo "deb.sh: no version in Sources/Launch/Release.swift" >&2; exit 1; }
architecture=$(dpkg --print-architecture)

bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    install_packages "${BUILD_PACKAGES[@]}" >&2
    bin=$(packaging/release.sh)
fi

mkdir -p "$out"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
install -d "$root"/{DEBIAN,usr/bin,usr/libexec/swiftlet,lib/systemd/system,usr/share/{man/man8,bash-completion/completions,zsh/vendor-completions,doc/swiftlet,lintian/overrides}}
for product in swiftlet swiftlet-podmonitor swiftlet-oci; do strip --remove-section=.comment -o "$root/usr/libexec/swiftlet/$product" "$bin/$product"; done
for command in swiftlet swiftlet-oci; do ln -s "../libexec/swiftlet/$command" "$root/usr/bin/$command"; done
install -m 644 packaging/*.service "$root/lib/systemd/system/"
"$bin/swiftlet" --generate-completion-script bash | sed 1d >"$root/usr/share/bash-completion/completions/swiftlet"
"$bin/swiftlet" --generate-completion-script zsh >"$root/usr/share/zsh/vendor-completions/_swiftlet"
for manual in swiftlet swiftlet-oci; do gzip -9nc "packaging/debian/$manual.8" >"$root/usr/share/man/man8/$manual.8.gz"; done
install -m 644 packaging/debian/lintian-overrides "$root/usr/share/lintian/overrides/swiftlet"
install -m 644 packaging/debian/copyright "$root/usr/share/doc/swiftlet/copyright"
printf 'swiftlet (%s) unstable; urgency=medium\n\n  * See the history of the repository.\n\n -- The Swiftlet authors <swiftlet@localhost>  %s\n' \
    "$version" "$(date -R -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}")" | gzip -9nc >"$root/usr/share/doc/swiftlet/changelog.gz"
install -d "$root/etc/swiftlet"
install -m 644 packaging/debian/config.yaml "$root/etc/swiftlet/config.yaml"
echo /etc/swiftlet/config.yaml >"$root/DEBIAN/conffiles"
install -m 755 packaging/debian/{postinst,prerm,postrm} "$root/DEBIAN/"

# The libraries by their packages' versions here, as dpkg-shlibdeps reads them off the executable.
mkdir "$root/debian"
printf 'Source: swiftlet\n\nPackage: swiftlet\nArchitecture: any\n' >"$root/debian/control"
libraries=$(cd "$root" && dpkg-shlibdeps -O -e usr/libexec/swiftlet/swiftlet 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
rm -r "$root/debian"
cat >"$root/DEBIAN/control" <<C
Package: swiftlet
Version: $version
Section: admin
Priority: optional
Architecture: $architecture
Maintainer: The Swiftlet authors <swiftlet@localhost>
Installed-Size: $(du -k -s --exclude=DEBIAN "$root" | cut -f1)
Depends: $libraries
Recommends: kubernetes-client, apparmor
Description: Kubernetes for one Linux machine and up
 One daemon that serves the Kubernetes API, schedules pods and runs them itself
 on namespaces, cgroups v2, seccomp and nftables. kubectl works unmodified; no
 container runtime, network plugin or other program is needed beside it.
C
file=$out/swiftlet_${version}_$architecture.deb
dpkg-deb --root-owner-group -Z"${SWIFTLET_DEB_COMPRESSION:-xz}" --build "$root" "$file" >/dev/null
echo "$file"
