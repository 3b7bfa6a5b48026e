# Sourced: Debian's registry, without and with a password, and behind a slow line.

start_registry() {
    local port=$1 name=$2 auth=${3:-} certificate=${4:-} clients=${5:-} tls=
    [ -z "$certificate" ] || tls=", tls: {certificate: $ROOT/pki/$certificate.pem, key: $ROOT/pki/$certificate.key${clients:+, clientcas: [$clients]}}"
    mkdir -p "$ROOT/$name"
    cat >"$ROOT/$name.yml" <<Y
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $ROOT/$name}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$port"$tls}
$auth
Y
    nsenter "--net=/run/netns/$NETNS" docker-registry serve "$ROOT/$name.yml" >>"$ROOT/$name.log" 2>&1 </dev/null &
    echo $! >"$ROOT/$name.pid"
    eventually 10 inside curl -sk ${clients:+--cert "$ROOT/pki/client.pem" --key "$ROOT/pki/client.key"} -o "$ROOT/answer" "http${certificate:+s}://127.0.0.1:$port/v2/"
}

start_line() {
    # 16 MB a second; it counts what comes through.
    nsenter "--net=/run/netns/$NETNS" python3 "$PARTS/line.py" 5002 5000 "${1:-16000000}" "$ROOT/line.count" >>"$ROOT/line.log" 2>&1 </dev/null &
    echo $! >"$ROOT/line.pid"
    eventually 10 inside curl -s -o "$ROOT/answer" http://127.0.0.1:5002/v2/
}
stop_helper() {
    local pid
    pid=$(cat "$ROOT/$1.pid" 2>/dev/null) || return 0
    rm -f "$ROOT/$1.pid"
    kill -9 "$pid" 2>/dev/null
    # Not with wait: a subshell would wait for its own children.
    eventually 5 has_ended "$pid"
}
has_ended() { ! grep -qs '^State:.[^Z]' "/proc/$1/status"; }
stop_helpers() { for name in open closed line right wrong clients near proxy proxied; do stop_helper "$name"; done; }
carried() { cat "$ROOT/line.count" 2>/dev/null || echo 0; }

start_registries() {
    local hash
    hash=$(python3 -W ignore -c 'import crypt; print(crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=2**6)))')
    echo "user:$hash" >"$ROOT/htpasswd"
    start_registry 5000 open
    start_registry 5001 closed "auth: {htpasswd: {realm: closed, path: $ROOT/htpasswd}}"
    start_line
    push "$ROOT/oci:base" 127.0.0.1:5000/base:1
    push "$ROOT/oci:site" 127.0.0.1:5000/site:oci
    push "$ROOT/oci:site" 127.0.0.1:5000/site:v2s2 --format v2s2
    push "$ROOT/oci:site" 127.0.0.1:5000/site:zstd --dest-compress-format zstd --dest-compress
    push "$ROOT/oci:site" 127.0.0.1:5000/library/site:hub
    push "$ROOT/oci:large" 127.0.0.1:5000/large:1
    push "$ROOT/oci:site" 127.0.0.1:5001/site:1 --dest-creds user:secret
}
push() {
    local from=$1 to=$2
    shift 2
    inside skopeo --insecure-policy copy -q --dest-tls-verify=false "$@" "oci:$from" "docker://$to" >/dev/null
}

registry() {
    local form
    check "everything goes before the first pull" swiftlet images prune --all
    for form in oci v2s2 zstd; do
        check "an image is pulled ($form)" swiftlet pull "127.0.0.1:5000/site:$form"
        check "it shows what umoci unpacks ($form)" same_as_umoci "127.0.0.1:5000/site:$form" site
    done
    check "layers that are there are not fetched again" says "already there" swiftlet pull 127.0.0.1:5000/base:1
    check "an image is pulled by its digest" pull_by_digest
    check "a mirror stands for docker.io" swiftlet pull site:hub
    check "a mirror that is down gives way to the next" swiftlet pull mirrored.example/site:oci
    check "a registry's own words are told" says "MANIFEST_UNKNOWN" swiftlet pull 127.0.0.1:5000/site:none
    check "a registry that does not answer is named" says "127.0.0.1:5009" swiftlet pull 127.0.0.1:5009/site:1
    check "plain HTTP is not spoken unless configured" says "https://127.0.0.1:5009" swiftlet pull 127.0.0.1:5009/site:1
    check "without a password a closed registry refuses" says "UNAUTHORIZED" swiftlet pull 127.0.0.1:5001/site:1
    check "with a wrong one too" says "401" with_password wrong
    check "with the right one it gives the image" with_password secret
    check "a mirror is asked with its own password" mirror_with 127.0.0.1:5001
    check "and not with what is for its registry" registrys_alone
}
mirror_with() {
    printf '{"auths": {"%s": {"username": "user", "password": "secret"}}}' "$1" >"$ROOT/mirrors.json"
    swiftlet pull closed.example/site:1
}
registrys_alone() {
    ! mirror_with closed.example && ! swiftlet pull closed.example/site:1 --username user <<<secret 2>"$ROOT/pull.err" && grep -q "401.*mirror-auth" "$ROOT/pull.err"
}
with_password() { echo "$1" | swiftlet pull 127.0.0.1:5001/site:1 --username user; }
pull_by_digest() {
    local digest
    digest=$(inside skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://127.0.0.1:5000/site:oci)
    swiftlet pull "127.0.0.1:5000/site@$digest" && says "$digest" swiftlet images list -o json
}
