#!/bin/bash
# Images as others make and serve them: Debian's docker-registry, skopeo and umoci on loopback of a namespace of its own, archives that attack, pulls that
# are cut. usage, as root: integration/images.sh
set -uo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
install_packages docker-registry skopeo umoci busybox-static curl iproute2 python3 zstd
if [ -z "${SWIFTLET_BUILT:-}" ]; then
    swift build --product swiftlet >&2 && swift build --product swiftlet-podmonitor >&2 || exit 1
fi
BIN=${SWIFTLET_BIN:-$(swift build --show-bin-path)}
# shellcheck source=integration/cluster/instance.sh
source integration/cluster/instance.sh
for part in integration/images/[0-9]*.sh; do source "$part"; done

PARTS=$PWD/integration/images

# The settings come before the server's start: every registry here is plain HTTP on loopback.
settings() {
    mkdir -p "$ROOT/c"
    local name list="docker.io=http://127.0.0.1:5000"
    for name in 127.0.0.1:5000 127.0.0.1:5001 127.0.0.1:5002; do list+=" $name=http://$name"; done
    echo "registries: \"$list mirrored.example=http://127.0.0.1:5009,http://127.0.0.1:5000\"" >"$ROOT/c/config.yaml"
}

[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 77; }
NETNS=swi$$
ROOT=$(mktemp -d /tmp/swi.XXXXXX)
trap 'stop_helpers; clean_up' EXIT
make_network
settings
start_server || { cat "$ROOT/log"; exit 1; }
INSTANCE=$(cat "$ROOT/d/instance")

make_images
start_registries
archives
registry
pods
policies
faults
attacks
[ "$failed" = 0 ] || { echo "the end of the server's log:"; tail -n 30 "$ROOT/log"; }
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
