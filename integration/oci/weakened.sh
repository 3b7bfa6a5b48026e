#!/bin/bash
# Shows that the checks would see a missing protection: links swiftlet-oci once for each protection taken out (the numbers are in
# CShims/Launch/child.h), and runs the checks that must then fail. With everything in place all of them hold.
# usage, as root: [SWIFTLET_BIN=built products] integration/oci/weakened.sh
set -u
cd "$(dirname "$0")/../.."
bin=${SWIFTLET_BIN:-}
if [ -z "$bin" ]; then
    swift build --product swiftlet-oci >&2 || exit 1
    bin=$(swift build --show-bin-path)
fi
work=$(mktemp -d /tmp/swiftlet-weakened.XXXXXX)
chmod 755 "$work" # other users call it too
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# shellcheck source=integration/launch/weaken.sh
source integration/launch/weaken.sh

# A number, a check's name, and how many of its kind must fail.
check() {
    local out
    [ -f "$work/swiftlet-oci.$1" ] || weaken_runtime "$1" "$work/swiftlet-oci.$1"
    out=$(python3 -B integration/oci/check.py "$work/swiftlet-oci.$1" "$2")
    if [[ $out == *" $3 failed"* ]]; then
        echo "ok    protection $1, $2: $3 failed"
        passed=$((passed + 1))
    else
        printf 'FAIL  protection %s, %s: %s were to fail\n%s\n' "$1" "$2" "$3" "$out"
        failed=$((failed + 1))
    fi
}

# How many files of the first instructions need the C library, which is not up yet, where a compiler guards every function's stack and makes calls of
# loops; `$1` changes the source. ahead.c holds what is called later as well.
needy() {
    local name known count=0
    for name in entry early words ahead own; do
        known=' (crt_|_start$)'
        [ $name != ahead ] || known+='| (open|close|sched_yield|__errno_location)$'
        sed "$1" "CShims/Launch/$name.c" |
            clang -x c -O2 -fstack-protector-all -ICShims/Launch/include -ICShims/Launch -c - -o "$work/$name.o" || exit 1
        ! nm -u "$work/$name.o" | grep -Evq "$known" || count=$((count + 1))
    done
    echo "$count"
}
if [ "$(needy '')" = 0 ] && [ "$(needy '/^FIRST_INSTRUCTIONS/d')" = 5 ]; then
    echo "ok    the first instructions need no C library, which they would"
    passed=$((passed + 1))
else
    echo "FAIL  of 5 files of first instructions $(needy '') need the C library, with nothing done against it $(needy '/^FIRST_INSTRUCTIONS/d')"
    failed=$((failed + 1))
fi

for name in seccomp_errno test_capabilities masked_and_read_only device_program no_new_priv runtime_is_not no_descriptor follow_no_links \
    made_elsewhere null_device out_of_sight session_is_out shows_nothing not_changed lends_no_rights lend_nothing leave_nothing no_more_rights not_the_childs test_chroot; do check 0 $name 0; done
check 2 seccomp_errno 1
check 3 test_capabilities 3
check 3 no_more_rights 1
check 4 masked_and_read_only 1
check 5 masked_and_read_only 1
check 6 no_descriptor 2
check 7 out_of_sight 2
check 8 device_program 1
check 10 no_new_priv 1
check 13 runtime_is_not 2
check 14 follow_no_links 2
check 14 made_elsewhere 2
check 15 null_device 2
check 16 session_is_out 1
check 17 shows_nothing 1
# before Linux 6.17 there is nothing that it could let out
if [ "$(printf '6.17\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.17 ]; then
    check 17 lend_nothing 1
fi
check 18 not_changed 2
check 19 lends_no_rights 1
check 20 leave_nothing 1
check 21 not_the_childs 1
check 24 test_chroot 1
echo "weakened: $passed passed, $failed failed"
[ $failed = 0 ]
