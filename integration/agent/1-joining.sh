# Sourced: tokens, and who may join as which node.

joining() {
    TOKEN=$(swiftlet_on server token create --description "the worker")
    check "a token is made, and listed without its secret" token_is_listed
    check "an agent without a token says how to get one" agent_says "swiftlet token create"
    check "a token of another authority is refused" agent_says "is not the server that the token is of" --token "$(other_authority)"
    check "a token with another secret is refused" agent_says "does not know the token" --token "${TOKEN%.*}.0123456789abcdef"
    check "half a token is refused" agent_ends 2 "not whole" --token "${TOKEN#*::}"
    check "an expired token is refused" expired
    check "a deleted token is refused" deleted
    check "nobody joins as the server's own node" agent_says "the server itself is the node server" --node-name server --token "$TOKEN"
    check "a server that is not there is named" agent_says "https://192.0.2.1:6444" --server https://192.0.2.1:6444 --token "$TOKEN"
    check "the agent joins under its host name" start_agent --token "$TOKEN"
    check "both nodes become Ready" eventually 30 both_ready
    check "each node has a pod network of its own" pod_networks
    check "another machine does not get the node's name, with a good token" agent_says "another machine has joined as node worker" --node-name worker --token "$TOKEN"
    check "an agent's directories are not a server's" says "is of a swiftlet agent" swiftlet_on worker server --log-dir "$ROOT/worker/l"
    check "an agent answers for its own node only" says "ask on its server" swiftlet_on worker token list
    image_on worker
}

token_is_listed() {
    local id=${TOKEN#*::}
    id=${id%.*}
    says "the worker" swiftlet_on server token list || return 1
    ! swiftlet_on server token list -o json | grep -F "${TOKEN##*.}" || return 1
    [ "$(kubectl get secret -n kube-system "bootstrap-token-$id" -o jsonpath='{.type}')" = bootstrap.kubernetes.io/token ]
}

other_authority() { sed 's/^K10................/K100123456789abcdef/' <<<"$TOKEN"; }

expired() {
    local token
    token=$(swiftlet_on server token create --ttl 1s) || return 1
    sleep 2
    agent_says "has expired" --token "$token"
}

deleted() {
    local token
    token=$(swiftlet_on server token create) || return 1
    swiftlet_on server token delete "$token" || return 1
    agent_says "does not know the token" --token "$token"
}

both_ready() { [ "$(kubectl get nodes --no-headers 2>/dev/null | grep -c ' Ready')" = 2 ]; }

pod_networks() {
    [ "$(kubectl get node server -o jsonpath='{.spec.podCIDR}')" = 10.42.0.0/24 ] || return 1
    [ "$(kubectl get node worker -o jsonpath='{.spec.podCIDR}')" = 10.42.1.0/24 ]
}
