# Sourced: Debian's registry on a port of the instance's namespace.

# start_registry PORT [AUTH]: it keeps what it is given in $ROOT/registry; AUTH is a line of its configuration.
start_registry() {
    cat >"$ROOT/registry.yml" <<Y
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $ROOT/registry}}
http: {addr: "127.0.0.1:$1"}
${2:-}
Y
    nsenter "--net=/run/netns/$NETNS" docker-registry serve "$ROOT/registry.yml" >>"$ROOT/registry.log" 2>&1 </dev/null &
    REGISTRY=$!
    eventually 10 inside curl -s -o "$ROOT/answer" "http://127.0.0.1:$1/v2/"
}
