# Sourced: pods on images of several layers.

pods() {
    kubectl apply -f - >/dev/null <<'Y'
apiVersion: v1
kind: Pod
metadata: {name: site}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: 127.0.0.1:5000/site:oci
    command: [sh, -c, "id -u; echo $GREETING; ls /srv /srv/old; sleep 1000"]
Y
    check "a pod runs on stacked layers" kubectl wait --for=condition=Ready pod/site --timeout=180s
    check "it runs as the image's user" says 33 kubectl logs site
    check "it has the image's environment" says hello kubectl logs site
    check "what a layer took away is gone" no_gone
    check "an image in use is not removed" says "is used by 1 container" remove_by_id
}
no_gone() {
    local out
    out=$(kubectl exec site -- ls /srv /srv/old) && grep -q new <<<"$out" && ! grep -qE 'gone|^file' <<<"$out"
}
remove_by_id() {
    swiftlet images remove "$(kubectl get pod site -o jsonpath='{.status.containerStatuses[0].imageID}')"
}
