# Sourced: images whose configuration attacks whoever runs them. Where it makes sense the control does what a program would that believes it.

# An image with this configuration, and a pod on it: NAME JSON [further fields of the container].
hostile_pod() { layered "$1" plain "$2" >/dev/null && pod_of "$1" "layered:$1" "imagePullPolicy: Never, ${3:-}"; }
in_pod() { kubectl exec "$1" -- sh -c "$2"; }
refused_with() { eventually 15 tells "$1" "$2"; }

configurations() {
    local kind
    rm -rf "$ROOT/target" && mkdir -p "$ROOT/target" && echo host >"$ROOT/target/file"
    check "a working directory that climbs stays inside" climbing_workdir
    check "a working directory by a descriptor of the runtime leads nowhere" descriptor_workdir
    check "a variable with a line break stays one" one_variable
    check "a variable with a NUL is not passed on" nul_variable
    check "a user that is none is refused by its name" hostile_user
    check "a user beyond the kernel's numbers is refused" huge_user
    for kind in pipe huge; do check "users of an image that are no short file ($kind) are none" odd_users $kind; done
    check "an argument with a NUL is refused" nul_argument
    check "a stop signal that is none is refused by its name" hostile_signal
    check "an environment that the kernel does not take is refused" huge_environment
    check "a configuration of 9 MiB is refused" huge_configuration
    check "labels do not make a pod another's" hostile_labels
    check "the node goes on" kubectl get --raw /readyz
    kubectl delete pod --all --wait=true >/dev/null
}
climbing_workdir() {
    local up=../../../../../../../../..
    hostile_pod climbing "{\"WorkingDir\": \"$up$ROOT/target/new\"}" && runs climbing || return 1
    [ "$(ls "$ROOT/target")" = file ] || { echo "a directory was made outside"; return 1; }
    says "$ROOT/target/new" in_pod climbing pwd || return 1
    # The control: a program that joins the two.
    mkdir -p "$ROOT/rootfs/a/b" && mkdir -p "$ROOT/rootfs/a/b/$up$ROOT/target/new" && rmdir "$ROOT/target/new"
}
descriptor_workdir() {
    local number
    for number in 5 7 9; do hostile_pod "fd$number" "{\"WorkingDir\": \"/proc/self/fd/$number\"}" || return 1; done
    for number in 5 7 9; do
        # Either it is refused, or it is a place of its own.
        if ! eventually 10 refused_at "fd$number"; then
            ! in_pod "fd$number" "cat ../../../../../../../../..$ROOT/target/file" 2>/dev/null | grep -q host || return 1
        fi
    done
}
refused_at() { event_of "$1" | grep -q '^Warning Failed' || [ "$(kubectl get pod "$1" -o 'jsonpath={.status.containerStatuses[0].ready}')" = true ]; }
one_variable() {
    hostile_pod newline '{"Env": ["A=1\nINJECTED=yes"]}' && runs newline && says none in_pod newline 'echo ${INJECTED:-none}' || return 1
    # The control: a program that writes them line by line, and reads them back.
    (while read -r line; do export "${line?}"; done < <(printf 'A=1\nINJECTED=yes\n'); [ "$INJECTED" = yes ])
}
nul_variable() {
    hostile_pod nul '{"Env": ["A=1\u0000", "B=2", "C\u0000INJECTED=yes"]}' && runs nul &&
        says "none none 2" in_pod nul 'echo ${INJECTED:-none} ${A:-none} $B'
}
hostile_user() {
    hostile_pod user '{"User": "web\nroot:x:0:0"}' && refused_with user 'neither in its /etc/passwd nor a number' &&
        hostile_pod climber '{"User": "../../etc/passwd"}' && refused_with climber '"../../etc/passwd" is neither in its /etc/passwd'
}
huge_user() { hostile_pod number '{"User": "4294967296"}' && refused_with number '"4294967296" is neither in its /etc/passwd nor a number up to'; }
odd_users() {
    local file
    layered "$1" "$1" '{"User": ""}' >/dev/null && pod_of "$1" "layered:$1" 'imagePullPolicy: Never' && runs "$1" &&
        says 0:0:0:0 in_pod "$1" 'grep Uid /proc/self/status | tr "\t" :' || return 1
    layered "$1-user" "$1" '{"User": "web:web"}' >/dev/null && pod_of "$1-user" "layered:$1-user" 'imagePullPolicy: Never' &&
        refused_with "$1-user" '"web" is neither in its /etc/passwd nor a number' || return 1
    # The control: a program that reads it as any file.
    file=$(find "$ROOT/d" -path '*/images/trees/*/etc/passwd' \( -type p -o -size +1M \) | head -n 1)
    [ $(($(timeout 1 head -c 2000000 "$file" | wc -c) % 2000000)) = 0 ]
}
nul_argument() { layered argument plain '{"Entrypoint": ["/bin/sh\u0000", "x"]}' >/dev/null && bare_pod argument && refused_with argument 'an argument holds a NUL byte'; }
bare_pod() { kubectl run "$1" --image="layered:$1" --image-pull-policy=Never --restart=Never >/dev/null; }
hostile_signal() { hostile_pod signal '{"StopSignal": "KILL; reboot"}' && refused_with signal 'KILL; reboot'; }
# One string longer than the kernel takes (MAX_ARG_STRLEN, 128 KiB).
huge_environment() {
    python3 -c 'import json; print(json.dumps({"Env": ["A=" + "x" * 200000]}))' >"$ROOT/huge.json"
    hostile_pod environment "@$ROOT/huge.json" && refused_with environment '^Warning Failed .*[Aa]rgument list too long'
}
huge_configuration() {
    cp -r "$ROOT/oci" "$ROOT/huge"
    python3 - "$ROOT/huge" <<'P'
import hashlib, json, sys
blobs = sys.argv[1] + "/blobs/sha256/"
index = json.load(open(sys.argv[1] + "/index.json"))
base = next(m for m in index["manifests"] if m["annotations"]["org.opencontainers.image.ref.name"] == "base")
def keep(value):
    data = json.dumps(value).encode()
    name = hashlib.sha256(data).hexdigest()
    open(blobs + name, "wb").write(data)
    return "sha256:" + name, len(data)
manifest = json.load(open(blobs + base["digest"][7:]))
config = json.load(open(blobs + manifest["config"]["digest"][7:]))
config["config"]["Labels"] = {"a": "x" * (9 << 20)}
manifest["config"]["digest"], manifest["config"]["size"] = keep(config)
base["digest"], base["size"] = keep(manifest)
index["manifests"] = [base]
json.dump(index, open(sys.argv[1] + "/index.json", "w"))
P
    ! swiftlet images add hostile:huge "$ROOT/huge" >"$ROOT/answer" 2>&1 && grep -qi "limit\|too large\|larger" "$ROOT/answer" || { cat "$ROOT/answer"; return 1; }
}
hostile_labels() {
    hostile_pod labels '{"Labels": {"io.kubernetes.pod.uid": "0", "io.kubernetes.pod.namespace": "kube-system"}}' && runs labels || return 1
    swiftlet ps | grep -E 'labels' | grep -qv kube-system
}
