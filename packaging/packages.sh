# Sourced: installs Debian packages that are missing. Nothing is fetched where all are there.

# What the build and the product link against, and what the demonstration runs.
BUILD_PACKAGES=(libseccomp-dev libcap-dev libmnl-dev libnftnl-dev libsqlite3-dev libyaml-dev libarchive-dev)
DEMO_PACKAGES=(busybox-static ca-certificates)

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# apt-get, of which one works at a time: it waits for whoever installs, but not for who has its lists. An archive that does not answer is asked again.
apt_get() {
    flock -o -w 900 /run/swiftlet-packages.lock apt-get -qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300 "$@"
}

# install_packages NAME...
install_packages() {
    local missing=() name
    for name in "$@"; do is_installed "$name" || missing+=("$name"); done
    [ ${#missing[@]} -eq 0 ] && return 0
    echo "installing Debian packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt_get install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || {
        apt_get update && apt_get install -y --no-install-recommends "${missing[@]}" >/dev/null
    }
}
