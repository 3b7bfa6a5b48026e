# Sourced: registries behind a proxy, which alone knows their names.

# As the server's environment has them.
proxy_variables() {
    echo HTTP_PROXY=http://user:se%40cret@127.0.0.1:3128 https_proxy=user:se%40cret@127.0.0.1:3128 NO_PROXY=.example,192.0.2.1:5006
}
start_proxy() {
    : >"$ROOT/proxy.count"
    nsenter "--net=/run/netns/$NETNS" python3 "$PARTS/proxy.py" 3128 "$ROOT/proxy.count" >>"$ROOT/proxy.log" 2>&1 </dev/null &
    echo $! >"$ROOT/proxy.pid"
    eventually 10 inside curl -s -o "$ROOT/answer" http://127.0.0.1:3128/
}
# The open registry at another address of this machine.
start_near() {
    sed 's/127.0.0.1:5000/192.0.2.1:5006/' "$ROOT/open.yml" >"$ROOT/near.yml"
    nsenter "--net=/run/netns/$NETNS" docker-registry serve "$ROOT/near.yml" >>"$ROOT/near.log" 2>&1 </dev/null &
    echo $! >"$ROOT/near.pid"
    eventually 10 inside curl -s -o "$ROOT/answer" http://192.0.2.1:5006/v2/
}
# carried_for PATTERN COMMAND...: the command succeeds, and the proxy has carried such a request for it.
carried_for() {
    local pattern=$1
    shift
    : >"$ROOT/proxy.count"
    "$@" || return 1
    grep -qE -- "$pattern" "$ROOT/proxy.count" || { cat "$ROOT/proxy.count"; return 1; }
}
carried_nothing_for() {
    : >"$ROOT/proxy.count"
    "$@" && ! grep . "$ROOT/proxy.count"
}

proxies() {
    start_near
    check "an address in NO_PROXY is asked without the proxy" carried_nothing_for swiftlet pull 192.0.2.1:5006/site:oci
    check "a registry of this machine too" carried_nothing_for swiftlet pull 127.0.0.1:5000/site:v2s2
    check "without its proxy a registry is not reached, and it is named" says "through the proxy http://127.0.0.1:3128: Connection refused" \
        swiftlet pull plain.proxied:5000/site:oci
    start_proxy
    start_registry 5007 proxied "" proxied
    swiftlet images prune --all >/dev/null
    check "an image is pulled by way of the proxy" carried_for "^GET http://plain.proxied:5000/v2/site/blobs/" swiftlet pull plain.proxied:5000/site:oci
    check "it is pushed over TLS by way of the proxy" carried_for "^CONNECT tls.proxied:5007$" pushed_by_proxy
    check "and pulled" carried_for "^CONNECT tls.proxied:5007$" swiftlet pull tls.proxied:5007/site:1
    check "what has its certificate for another name is refused there too" says "certificate is for another name" swiftlet pull wrong.proxied:5007/site:1
    check "what a redirect names is fetched by way of the proxy" \
        carried_for "^GET http://plain.proxied:5000/v2/base/blobs/" pulled_anew moved.proxied:5000/base:1
    check "a token is asked for by way of the proxy" carried_for "^GET http://plain.proxied:5000/token" swiftlet pull token.proxied:5000/site:oci
    check "a proxy that carries nobody there is told" \
        says "through the proxy http://127.0.0.1:3128: the proxy answered 403" swiftlet pull refused.proxied/site:1
    check "one that takes no such password says where it is set" no_such_password strict.proxied/site:1
    check "without TLS too" no_such_password strict.proxied:5000/site:1
    check "no password of a proxy is in the log" password_is_nowhere "$ROOT/log"
}
pulled_anew() { swiftlet images prune --all && swiftlet pull "$1"; }
pushed_by_proxy() {
    swiftlet images tag plain.proxied:5000/site:oci tls.proxied:5007/site:1 && swiftlet images push tls.proxied:5007/site:1
}
no_such_password() {
    says "the proxy takes no such name and password; the daemon's HTTP_PROXY and HTTPS_PROXY" swiftlet pull "$1" &&
        ! swiftlet pull "$1" >"$ROOT/pull.err" 2>&1 && password_is_nowhere "$ROOT/pull.err"
}
password_is_nowhere() { ! grep -E "se(@|%40)cret|$(printf user:se@cret | base64)" "$1"; }
