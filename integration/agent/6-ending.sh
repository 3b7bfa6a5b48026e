# Sourced: the agent's end, and the server's.

ending() {
    local agent server
    agent=$(cat "$ROOT/worker/d/instance") server=$(cat "$ROOT/server/d/instance")
    stop worker
    check "uninstall leaves nothing of the agent" uninstalled_on worker "$agent"
    kubectl delete node worker >/dev/null
    check "the way to a deleted node's pods goes" eventually 10 no_routes
    check "the name is free for another machine" joins_anew
    stop worker
    stop server
    check "uninstall leaves nothing of the new agent" uninstalled_on worker "$(cat "$ROOT/worker/d/instance")"
    check "uninstall leaves nothing of the server" uninstalled_on server "$server"
}

no_routes() { [ -z "$(on server ip route show proto 83)" ]; }

joins_anew() { start_agent --token "$TOKEN" && eventually 30 both_ready; }

uninstalled_on() {
    local left
    swiftlet_on "$1" uninstall --yes || return 1
    left=$(left_on "$1" "$2")
    [ -z "$left" ] || { echo "left: $left"; return 1; }
    [ ! -e "$ROOT/$1/d" ] && [ ! -e "$ROOT/$1/r" ]
}
