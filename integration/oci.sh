#!/bin/bash
# swiftlet-oci on the real kernel: the clauses of the runtime specification, then podman, buildah and containerd over it.
# usage, as root: [SWIFTLET_BIN=built products] integration/oci.sh [NAME OF A CLAUSE'S CHECK]...
# integration/oci.sh --tables prints the clauses with their checks, what is left out and why, and the attacks.
set -u
cd "$(dirname "$0")/.."
[ "${1:-}" != --tables ] || exec python3 -B integration/oci/check.py --tables
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
install_packages busybox-static python3 util-linux procps strace >&2
bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    swift build --product swiftlet-oci >&2 || exit 1
    bin=$(swift build --show-bin-path)
fi
out=$(mktemp)
trap 'rm -f "$out"' EXIT
python3 -B integration/oci/check.py "$bin/swiftlet-oci" "$@" | tee "$out"
parts=1
[ $# -gt 0 ] || { integration/oci/engines.sh "$bin/swiftlet-oci" | tee -a "$out"; parts=2; }
# the parts' own last lines, together
sum() { grep -oE "[0-9]+ $1" "$out" | cut -d' ' -f1 | paste -sd+ | xargs -I{} sh -c 'echo $(({}))'; }
grep -E '^[0-9]+ passed' "$out" >"$out.counts" && mv "$out.counts" "$out"
[ "$(wc -l <"$out")" = $parts ] || { echo "FAIL  oci: a part ended without its count"; echo "0 passed, 1 failed" >>"$out"; }
echo "oci: $(sum passed) passed, $(sum failed) failed, $(sum skipped) skipped"
[ "$(sum failed)" = 0 ]
