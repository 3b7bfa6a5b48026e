#!/bin/bash
# Images as others make and serve them: Debian's docker-registry, skopeo and umoci on loopback of a namespace of its own, archives that attack, pulls that
# are cut. usage, as root: integration/images.sh [--collect]
# With --collect it tries the collection of unused images alone, which takes eleven minutes.
set -uo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
install_packages docker-registry skopeo umoci busybox-static curl iproute2 openssl python3 zstd
if [ -z "${SWIFTLET_BUILT:-}" ]; then
    swift build --product swiftlet >&2 && swift build --product swiftlet-podmonitor >&2 || exit 1
fi
BIN=${SWIFTLET_BIN:-$(swift build --show-bin-path)}
# In a mount namespace of its own, whose end takes the small disk away with it.
if [ "${1:-}" = --collect ] && [ -z "${SWIFTLET_COLLECT:-}" ]; then
    SWIFTLET_COLLECT=1 SWIFTLET_BUILT=1 SWIFTLET_BIN=$BIN exec unshare --mount --propagation private "$0" --collect
fi
# shellcheck source=integration/cluster/instance.sh
source integration/cluster/instance.sh
for part in integration/images/[0-9]*.sh; do source "$part"; done

PARTS=$PWD/integration/images

# The settings come before the server's start: the registries on loopback, most of them plain HTTP.
settings() {
    mkdir -p "$ROOT/c"
    make_certificates
    mkdir -p "$ROOT/certs" && cp "$ROOT/pki/ca.pem" "$ROOT/certs/ca.crt"
    local name list="docker.io=http://127.0.0.1:5000"
    for name in 127.0.0.1:5000 127.0.0.1:5001 127.0.0.1:5002; do list+=" $name=http://$name"; done
    for name in 192.0.2.1:5006 plain.proxied:5000 moved.proxied:5000 token.proxied:5000 strict.proxied:5000; do list+=" $name=http://$name"; done
    echo "registries: \"$list mirrored.example=http://127.0.0.1:5009,http://127.0.0.1:5000 closed.example=http://127.0.0.1:5001\"" >"$ROOT/c/config.yaml"
    echo "mirror-auth: $ROOT/mirrors.json" >>"$ROOT/c/config.yaml"
    echo "registry-certs: $ROOT/c/certs.d" >>"$ROOT/c/config.yaml"
    list=
    for name in 127.0.0.1:5003 127.0.0.1:5004 tls.proxied:5007 wrong.proxied:5007; do list+=" $name=$ROOT/pki/ca.pem"; done
    echo "registry-ca: \"$list\"" >>"$ROOT/c/config.yaml"
}

[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 77; }
NETNS=swi$$
ROOT=$(mktemp -d /tmp/swi.XXXXXX)
clean_all_up() {
    stop_helpers
    if [ -n "${SWIFTLET_COLLECT:-}" ]; then clean_up_disk; else clean_up; fi
}
trap clean_all_up EXIT
make_network
settings
[ -z "${SWIFTLET_COLLECT:-}" ] || small_disk || { skip "collection" "this host has no loop devices"; exit 77; }
export $(proxy_variables)
start_server || { cat "$ROOT/log"; exit 1; }
unset HTTP_PROXY https_proxy NO_PROXY
INSTANCE=$(cat "$ROOT/d/instance")

make_images
start_registries
if [ -n "${SWIFTLET_COLLECT:-}" ]; then
    collection
    echo "$passed passed, $failed failed, $skipped skipped"
    exit "$failed"
fi
archives
registry
tls
proxies
pods
policies
handing_on
edges
names
faults
attacks
configurations
[ "$failed" = 0 ] || { echo "the end of the server's log:"; tail -n 30 "$ROOT/log"; }
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
