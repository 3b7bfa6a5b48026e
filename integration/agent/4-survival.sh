# Sourced: daemons that end and start again; pods that do not notice.

survival() {
    check "the agent killed with -9 and started without its token: the same pods, no restart counted" agent_survives KILL
    check "the agent stopped and started: the same pods, no restart counted" agent_survives TERM
    check "logs and exec reach it again" says worker kubectl exec "$(pod_on worker)" -- sh -c 'echo $NODE'
    check "the server killed with -9 and started: the agent's pods do not notice" server_survives
    check "the agent has found it again: a new pod runs there" new_pod_on_worker
    check "the agent renews its certificates while it runs, and its kubelet serves the new one" agent_renews
    check "an agent whose certificate has ended gets a new one by its password" agent_without_certificate
    check "the agent starts while the server is away, and its pods are still there" alone
}

processes_on() {
    on "$1" curl -sf --unix-socket "$ROOT/$1/r/node.sock" http://node/v1/containers |
        python3 -c 'import json, sys
print(sorted((c["labels"].get("io.kubernetes.pod.name"), c["pid"]) for c in json.load(sys.stdin)
             if c["state"] == "running" and c["labels"].get("io.kubernetes.pod.name", "").startswith("hello")))'
}
restarts() { kubectl get pods -l app=hello -o jsonpath='{range .items[*]}{.metadata.name}={.status.containerStatuses[0].restartCount} {end}'; }

same() { [ "$1" = "$2" ] || { printf 'before: %s\nafter:  %s\n' "$1" "$2"; return 1; }; }

agent_survives() {
    local before
    before="$(processes_on worker) $(restarts)"
    stop worker "$1" && start_agent || return 1
    sleep 3
    eventually 20 both_ready || return 1
    same "$before" "$(processes_on worker) $(restarts)"
}

server_survives() {
    local before
    before="$(processes_on server) $(processes_on worker) $(restarts)"
    stop server KILL && start_server || return 1
    sleep 3
    eventually 20 both_ready || return 1
    same "$before" "$(processes_on server) $(processes_on worker) $(restarts)"
}

new_pod_on_worker() {
    kubectl create -f - <<'Y' || return 1
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "late"},
 "spec": {"nodeName": "worker", "terminationGracePeriodSeconds": 0, "containers": [{"name": "a", "image": "busybox:demo",
  "imagePullPolicy": "Never", "command": ["sleep", "1000"]}]}}
Y
    kubectl wait --for=condition=Ready pod/late --timeout=180s && kubectl delete pod late --timeout=180s
}

alone() {
    local before
    before="$(processes_on worker) $(restarts)"
    stop server TERM && stop worker KILL && start_agent && start_server || return 1
    sleep 3
    eventually 30 both_ready || return 1
    same "$before" "$(processes_on worker) $(restarts)"
}

kubelet_certificate() { on server python3 -c 'import ssl; print(ssl.get_server_certificate(("192.0.2.2", 10250)))'; }

agent_renews() {
    local before pid
    before=$(kubelet_certificate) pid=$(pid_of worker)
    says "kubelet renewed" swiftlet_on worker certs renew || return 1
    eventually 5 eval '[ "$before" != "$(kubelet_certificate)" ]' && [ "$pid" = "$(pid_of worker)" ] &&
        says worker kubectl exec "$(pod_on worker)" -- sh -c 'echo $NODE' && eventually 20 both_ready
}

# A client certificate that the authority signed and that ended yesterday, in place of the good one.
agent_without_certificate() {
    local agent=$ROOT/worker/d/agent authority=$ROOT/server/c/pki
    stop worker TERM
    openssl req -new -key "$agent/client.key" -subj "/O=system:nodes/CN=system:node:worker" -out "$ROOT/csr" &&
        openssl x509 -req -in "$ROOT/csr" -CA "$authority/ca.crt" -CAkey "$authority/ca.key" -set_serial 1 -days -1 \
            -out "$agent/client.crt" || return 1
    start_agent && eventually 30 both_ready &&
        openssl x509 -in "$agent/client.crt" -noout -checkend 86400 && says '"renewal":' swiftlet_on worker certs -o json
}
