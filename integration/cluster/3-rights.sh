# Sourced: who may read what in a pod, and what else its containers find.

rights() {
    mkdir -p "$ROOT/order"
    sed "s|@ORDER@|$ROOT/order|" integration/cluster/rights.yaml | kubectl apply -f - >/dev/null
    check "the groups that the image gives its user are left out where the pod says so, and the status tells them" groups_are_right
    check "fsGroup may read a volume's files, and tokens are the one user's" files_are_shared
    check "a path in a volume is made with the volume's mode" says "2777 2000" rights_of /deep
    check "a volume in memory is no larger than its pod's limit" says " 65536 " kubectl exec shared-files -- df -k /memory
    check "a path of a variable without a value starts nothing" eventually 20 says "CreateContainerConfigError missing value for NOPE" \
        kubectl get pod lacking -o 'jsonpath={.status.containerStatuses[0].state.waiting.reason} {.status.containerStatuses[0].state.waiting.message}'
    check "pods know their hosts files, on the node's network with their aliases" hosts_files
    check "sidecars end one after the other, the last first" sidecars_in_turn
    kubectl delete pod -l checks=rights --wait=false >/dev/null
}

groups_are_right() {
    eventually 30 says "3000 6000" kubectl exec strict -- id -G >/dev/null && eventually 30 kubectl exec merged -- true >/dev/null 2>&1 || return 1
    [ "$(kubectl exec strict -- id -G)" = "3000 6000" ] && [ "$(kubectl exec merged -- id -G)" = "3000 5000 6000" ] || { kubectl exec merged -- id -G; return 1; }
    says true kubectl get node node -o 'jsonpath={.status.features.supplementalGroupsPolicy}' &&
        says '65534 3000 [3000,6000]' kubectl get pod strict -o \
            'jsonpath={range .status.containerStatuses[0].user.linux}{.uid} {.gid} {.supplementalGroups}{end}'
}

rights_of() { kubectl exec shared-files -- stat -Lc '%a %g' "$1"; }

files_are_shared() {
    eventually 30 says s3cret kubectl exec shared-files -- cat /secret/in/key >/dev/null && says "440 2000" rights_of /secret/in/key &&
        says "2755 2000" rights_of /secret/in && says "640 1000" kubectl exec shared-files -- stat -Lc '%a %u' \
            /var/run/secrets/kubernetes.io/serviceaccount/token && kubectl exec shared-files -- touch /deep/file
}

hosts_files() {
    says "# Kubernetes-managed hosts file." kubectl exec strict -- head -n 1 /etc/hosts &&
        eventually 30 says alias.example kubectl exec aliased -- grep 192.0.2.77 /etc/hosts >/dev/null &&
        says "(host network)" kubectl exec aliased -- head -n 1 /etc/hosts
}

sidecars_in_turn() {
    eventually 30 says Succeeded kubectl get pod helped -o 'jsonpath={.status.phase}' >/dev/null &&
        says "second first" echo $(cat "$ROOT/order/ends")
}
