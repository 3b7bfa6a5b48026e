# Sourced: pods whose users are their own.

users() {
    mkdir -p "$ROOT/host" && echo rooted >"$ROOT/host/file" && chmod 600 "$ROOT/host/file"
    check "host namespaces and users of one's own exclude each other" says 'spec.hostNetwork: Forbidden: when `hostUsers` is false' \
        users_and_network
    sed "s|@HOST@|$ROOT/host|" integration/cluster/users.yaml | kubectl apply -f - >/dev/null
    if ! says true kubectl get node node -o jsonpath='{.status.runtimeHandlers[0].features.userNamespaces}' >/dev/null; then
        check "where the kernel cannot, a pod with users of its own says so" eventually 15 says "does not support user namespaces" \
            kubectl describe pod own-users
        kubectl delete pod -l users=own --wait=false >/dev/null
        return
    fi
    check "pods with users of their own run" kubectl wait --for=condition=Ready pod -l users=own --timeout=180s
    check "their root is none of the node's users" root_is_nobody
    check "no two of them are the same" ranges_differ
    check "files of all kinds of volumes are their root's" files_are_roots
    check "and on the node who wrote them has the pod's number" files_on_node
    check "root opens its standard streams again" eventually 10 says "as root" kubectl logs own-users -c main
    check "so does another user" says "as 1000" kubectl logs own-users -c other
    check "exec is their root too" says "uid=0(root)" kubectl exec own-users -c main -- id
    check "exec has a terminal there" says "/dev/pts/" users_terminal
    check "the network is theirs: root may change it" kubectl exec own-users -c main -- ip addr add 198.51.100.7/32 dev lo
    check "kernel parameters of their namespaces are set" users_parameters
    check "processes can be shared there" says "sleep 2000" kubectl exec shared-users -c a -- ps
    check "a privileged root there reaches nothing of the node" caged
    check "kill -9 of the daemon, a new container, exec: the users stay" users_survive
    check "the users of a pod that is gone are the next one's" users_come_back
    kubectl delete pod -l users=own --wait=false >/dev/null
    kubectl delete pod uncaged --wait=false >/dev/null
}

users_and_network() {
    kubectl create -f - <<<'{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "both"}, "spec": {"hostUsers": false, "hostNetwork": true,
        "containers": [{"name": "a", "image": "busybox:demo"}]}}'
}

# The node's number of a pod's user 0.
first_user() { kubectl exec "$1" -- sed 's/  */ /g' /proc/self/uid_map | cut -d' ' -f3; }

main_pid() {
    inside curl -sf --unix-socket "$ROOT/r/node.sock" http://node/v1/containers |
        python3 -c 'import json, sys
for c in json.load(sys.stdin):
    labels = c["labels"]
    if c["state"] == "running" and (labels.get("io.kubernetes.pod.name"), labels.get("io.kubernetes.container.name")) == ("own-users", "main"):
        print(c["pid"])'
}

root_is_nobody() {
    local pid seen first
    first=$(first_user own-users) && pid=$(main_pid) && seen=$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$pid/status")
    case " $seen " in *" 0 "*) echo "it runs as $seen"; return 1 ;; esac
    [ "$first" -ge 65536 ] && [ $((first % 65536)) = 0 ] || { echo "the first is $first"; return 1; }
    says "0 $first 65536" sed 's/  */ /g' "/proc/$pid/gid_map"
}

ranges_differ() {
    local firsts
    firsts=$(for pod in own-users shared-users caged; do first_user "$pod"; done)
    [ "$(sort -u <<<"$firsts" | wc -l)" = 3 ] || { echo "$firsts"; return 1; }
}

files_are_roots() {
    local out
    out=$(kubectl exec own-users -c main -- stat -c '%u %g %n' /bin/sh /scratch/mine /memory/mine /config/level /secret/password /fixed \
        /host/file /etc/hosts /etc/resolv.conf /dev/null /dev/termination-log /dev/shm)
    [ "$(grep -c '^0 ' <<<"$out")" = 12 ] || { echo "$out"; return 1; }
    says "0 2000 /scratch/mine" echo "$out" && says rooted kubectl exec own-users -c main -- cat /host/file &&
        says s3cret kubectl exec own-users -c main -- cat /secret/password
}

files_on_node() {
    local uid scratch
    uid=$(kubectl get pod own-users -o jsonpath='{.metadata.uid}')
    scratch=$(find "$ROOT/d" -path "*/$uid/volumes/scratch")
    kubectl exec own-users -c other -- touch /scratch/theirs && says "1000 2000" stat -c '%u %g' "$scratch/theirs" &&
        says "0 2000" stat -c '%u %g' "$scratch/mine"
}

users_terminal() {
    timeout 90 script -qec "nsenter --net=/run/netns/$NETNS kubectl exec -it own-users -c main -- tty" /dev/null </dev/null
}

users_parameters() {
    says "1 79" kubectl exec own-users -c main -- sh -c 'echo $(cat /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/ip_unprivileged_port_start)'
}

# What a way out leads to: with the node's users each succeeds, with the pod's own none does. Nothing is changed by it.
attempts='cd /tmp
cat /proc/sys/vm/swappiness >value && cat value >/proc/sys/vm/swappiness && echo parameter
mknod null c 1 3 && echo character
mknod loop b 7 0 && echo block
renice -n -5 -p $$ && echo priority
for device in /dev/*; do [ ! -b $device ] || ! dd if=$device count=0 || echo device; done'

caged() {
    local free held
    free=$(kubectl exec uncaged -- sh -c "$attempts" 2>/dev/null)
    held=$(kubectl exec caged -- sh -c "$attempts" 2>/dev/null)
    for way in parameter character block priority; do
        grep -q "^$way$" <<<"$free" || { echo "the control fails: $way not in: $free"; return 1; }
    done
    [ -z "$held" ] || { echo "out by $held"; return 1; }
}

users_survive() {
    local before first
    first=$(first_user own-users) && before=$(processes own-users)
    stop_server KILL && start_server || return 1
    [ "$before" = "$(processes own-users)" ] || { echo "other processes"; return 1; }
    [ "$(first_user own-users)" = "$first" ] || { echo "other users"; return 1; }
    kill -9 "$(main_pid)"
    eventually 60 says 1 kubectl get pod own-users -o jsonpath='{.status.containerStatuses[*].restartCount}' >/dev/null &&
        eventually 30 kubectl exec own-users -c main -- true && eventually 30 kubectl exec own-users -c other -- true || return 1
    [ "$(first_user own-users)" = "$first" ] || { echo "other users after the container's restart"; return 1; }
}

users_come_back() {
    local first
    first=$(first_user shared-users)
    kubectl delete pod shared-users --timeout=180s >/dev/null || return 1
    sed "s|@HOST@|$ROOT/host|" integration/cluster/users.yaml | kubectl apply -f - >/dev/null
    kubectl wait --for=condition=Ready pod/shared-users --timeout=180s >/dev/null || return 1
    [ "$(first_user shared-users)" = "$first" ] || { echo "$first, then $(first_user shared-users)"; return 1; }
}
