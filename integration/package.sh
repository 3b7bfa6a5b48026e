#!/usr/bin/env bash
# The Debian package as it is released: lintian finds nothing, and here are its files and their sizes. usage: integration/package.sh
# SWIFTLET_BIN is a folder with products that are built already. Ends with 77 where lintian cannot be installed.
set -uo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=packaging/packages.sh
source packaging/packages.sh
install_packages lintian man-db || { echo "      package: lintian cannot be installed here"; exit 77; }
work=$(mktemp -d /tmp/swiftlet-deb.XXXXXX)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
check() {
    local name=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        echo "ok    $name" && passed=$((passed + 1))
    else
        echo "FAIL  $name" && sed 's/^/      /' "$work/out" && failed=$((failed + 1))
    fi
}
named_in_the_manual() {
    local command missing=0
    for command in $("$work/root/usr/bin/swiftlet" --help | awk '/^SUBCOMMANDS/ {on = 1; next} on && /^  [a-z]/ {print $1}'); do
        man -l --encoding=utf8 "$work/root/usr/share/man/man8/swiftlet.8.gz" | grep -qE "^ {7}([a-z]+, )*$command\b" ||
            { echo "the manual lacks $command"; missing=1; }
    done
    return $missing
}
oci_named_in_the_manual() {
    local command missing=0
    for command in $("$work/root/usr/bin/swiftlet-oci" --help | awk '/^  [a-z]/ {print $1}'); do
        man -l --encoding=utf8 "$work/root/usr/share/man/man8/swiftlet-oci.8.gz" | grep -qE "^ {7}.*\b$command\b" ||
            { echo "the manual lacks $command"; missing=1; }
    done
    return $missing
}
commands_complete() {
    # shellcheck disable=SC2016
    bash -c 'source "$1" && complete -p swiftlet && grep -q uninstall "$1"' _ "$work/root/usr/share/bash-completion/completions/swiftlet"
}

check "the package builds" packaging/deb.sh "$work"
deb=$(echo "$work"/swiftlet_*.deb)
[ -f "$deb" ] || { echo "$passed passed, $failed failed"; exit 1; }
check "lintian finds nothing" lintian --no-cfg --allow-root --fail-on error,warning "$deb"
dpkg-deb -x "$deb" "$work/root"
check "the manual names every command" named_in_the_manual
check "the manual of swiftlet-oci names every command" oci_named_in_the_manual
check "the completions load" commands_complete
echo "      $(stat -c %s "$deb") bytes as a package:"
dpkg-deb -c "$deb" | awk '$3 > 0 {printf "      %10d %s %s %s\n", $3, $6, $7, $8}'
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
