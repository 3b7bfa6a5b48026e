# shellcheck shell=bash
# Sourced: links programs whose launch path lacks one protection; the numbers are in CShims/Launch/child.h, 0 takes none out. What is made on the way lies in
# the folder $work. A compiler that fails ends the shell.

embedded=(-enable-experimental-feature Embedded)

# The launch path's objects: weaken_launch NUMBER
weaken_launch() {
    [ ! -d "$work/objects.$1" ] || return 0
    mkdir "$work/objects.$1"
    for source in CShims/Launch/*.c; do
        clang -O1 -ICShims/Launch/include "-DCL_WEAKEN=$1" -c "$source" -o "$work/objects.$1/$(basename "$source").o" || exit 1
    done
}

# swiftlet-podmonitor: weaken_monitor NUMBER FILE. The Swift half is the same each time; no package is needed for it.
weaken_monitor() {
    weaken_launch "$1"
    if [ ! -f "$work/monitor.o" ]; then
        echo "module CLaunch { umbrella \"$PWD/CShims/Launch/include\" export * }" >"$work/module.modulemap"
        swiftc "${embedded[@]}" -wmo -Osize -swift-version 6 -package-name swiftlet -module-name swiftlet_podmonitor -c \
            -Xcc "-fmodule-map-file=$work/module.modulemap" -o "$work/monitor.o" \
            Sources/PodMonitor/*.swift Sources/swiftlet-podmonitor/main.swift || exit 1
    fi
    swiftc "${embedded[@]}" -wmo -Osize -static-executable "$work/monitor.o" "$work/objects.$1"/*.o -o "$2" || exit 1
}

# swiftlet-oci, of which all but the launch path is linked as it was built in the folder $bin: weaken_runtime NUMBER FILE
weaken_runtime() {
    weaken_launch "$1"
    grep -v '/CLaunch\.build/' "$bin/swiftlet-oci.product/Objects.LinkFileList" >"$work/runtime-objects" || exit 1
    swiftc "${embedded[@]}" -static-executable -use-ld=lld -Xlinker --entry=crt_entry \
        -Xlinker --defsym -Xlinker main=swiftlet_oci_main "@$work/runtime-objects" "$work/objects.$1"/*.o -lseccomp -lcap \
        "-l:../../swift/embedded/$(uname -m)-unknown-linux-gnu/libswiftUnicodeDataTables.a" -o "$2" 2>"$work/link" ||
        { cat "$work/link" >&2; exit 1; }
}
