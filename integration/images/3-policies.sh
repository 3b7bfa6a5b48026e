# Sourced: pull policies, pull secrets of pods and of their service accounts, and pods that do not get their image.

# A pod of this image: NAME IMAGE [further fields of the container] [further fields of the pod].
pod_of() {
    kubectl apply -f - >/dev/null <<Y
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec: {terminationGracePeriodSeconds: 1, ${4:-} containers: [{name: main, image: "$2", command: [sleep, "1000"], ${3:-}}]}
Y
}
runs() { kubectl wait --for=condition=Ready "pod/$1" --timeout=180s; }
waiting() { kubectl get pod "$1" -o "jsonpath={.status.containerStatuses[0].state.waiting.$2}"; }
waits_for() { [ "$(waiting "$1" reason)" = "$2" ]; }
event_of() { kubectl get events --field-selector "involvedObject.name=$1" -o jsonpath='{range .items[*]}{.type} {.reason} {.message}{"\n"}{end}'; }
tells() { event_of "$1" | grep -qE "$2"; }
image_of() { kubectl get pod "$1" -o 'jsonpath={.status.containerStatuses[0].imageID}'; }

policies() {
    kubectl create secret docker-registry entry --docker-server=http://127.0.0.1:5001 --docker-username=user --docker-password=secret >/dev/null
    kubectl create secret docker-registry wrong --docker-server=127.0.0.1:5001 --docker-username=user --docker-password=wrong >/dev/null
    kubectl create secret generic old --type=kubernetes.io/dockercfg \
        --from-literal=.dockercfg="{\"127.0.0.1:5001\": {\"auth\": \"$(echo -n user:secret | base64)\"}}" >/dev/null
    push "$ROOT/oci:base" 127.0.0.1:5000/moving:latest

    check "a pull is told with its duration and size" pull_is_told
    check "the tag latest is pulled at each start" latest_moves
    check "another tag is not" other_tag_stays
    check "a policy of Never pulls nothing" never_pulls
    check "a name that is none is told" name_is_none
    check "without its secret an image of a closed registry is refused" closed_refuses
    check "then it waits, and says so" then_it_waits
    check "with its secret it runs, by the next try" with_its_secret
    check "a secret of the older form" old_form
    check "a wrong secret gives way to the right one" wrong_then_right
    check "a secret of the service account" account_has_it
    check "what came with a secret is not a stranger's" strangers_ask
    check "nor by a policy of Never" strangers_never
    check "who has the secret needs no pull" holders_need_none
    check "a container comes back when its secret is gone" secret_goes
    check "a secret that is not there is told" secret_is_missing
    kubectl delete pod --all --wait=true >/dev/null
}
pull_is_told() {
    swiftlet images prune --all >/dev/null
    pod_of told 127.0.0.1:5000/base:1 && runs told &&
        eventually 20 tells told '^Normal Pulling Pulling image "127.0.0.1:5000/base:1"$' &&
        eventually 20 tells told '^Normal Pulled Successfully pulled image "127.0.0.1:5000/base:1" in [0-9.]+m?s \([0-9.]+m?s including waiting\)\. Image size: [0-9]+ bytes\.$'
}
latest_moves() {
    local before
    pod_of moving1 127.0.0.1:5000/moving && runs moving1 || return 1
    before=$(image_of moving1)
    push "$ROOT/oci:site" 127.0.0.1:5000/moving:latest
    pod_of moving2 127.0.0.1:5000/moving && runs moving2 && [ "$(image_of moving2)" != "$before" ]
}
other_tag_stays() {
    pod_of staying 127.0.0.1:5000/base:1 && runs staying &&
        eventually 20 tells staying '^Normal Pulled Container image "127.0.0.1:5000/base:1" already present on machine$'
}
never_pulls() {
    pod_of never 127.0.0.1:5000/large:1 'imagePullPolicy: Never' && eventually 10 waits_for never ErrImageNeverPull &&
        eventually 5 tells never '^Warning ErrImageNeverPull Container image .* is not present with pull policy of Never' &&
        ! swiftlet images list -o json | grep -q large:1
}
name_is_none() {
    pod_of none Not/A/Name && eventually 10 waits_for none InvalidImageName &&
        eventually 5 tells none '^Warning InspectFailed Failed to apply default image tag "Not/A/Name": couldn.t parse image name'
}
closed_refuses() {
    swiftlet images remove 127.0.0.1:5001/site:1
    pod_of closed 127.0.0.1:5001/site:1 '' 'imagePullSecrets: [{name: late}],' &&
        eventually 10 tells closed '^Warning Failed Failed to pull image "127.0.0.1:5001/site:1": .*401' &&
        eventually 5 tells closed '^Warning Failed Error: ErrImagePull$'
}
then_it_waits() {
    eventually 15 waits_for closed ImagePullBackOff && eventually 5 tells closed '^Normal BackOff Back-off pulling image' &&
        waiting closed message | grep -q '^Back-off pulling image "127.0.0.1:5001/site:1": ErrImagePull: .*401'
}
with_its_secret() {
    kubectl create secret docker-registry late --docker-server=127.0.0.1:5001 --docker-username=user --docker-password=secret >/dev/null
    runs closed
}
fresh() { kubectl delete pod "$@" --wait=true >/dev/null && swiftlet images remove --force 127.0.0.1:5001/site:1 >/dev/null; }
old_form() { fresh closed && pod_of older 127.0.0.1:5001/site:1 '' 'imagePullSecrets: [{name: old}],' && runs older; }
wrong_then_right() {
    fresh older && pod_of both 127.0.0.1:5001/site:1 '' 'imagePullSecrets: [{name: wrong}, {name: entry}],' && runs both
}
account_has_it() {
    fresh both
    kubectl create serviceaccount reader >/dev/null
    kubectl patch serviceaccount reader -p '{"imagePullSecrets": [{"name": "entry"}]}' >/dev/null
    pod_of account 127.0.0.1:5001/site:1 '' 'serviceAccountName: reader,' && runs account
}
strangers_ask() {
    pod_of stranger 127.0.0.1:5001/site:1 && eventually 10 waits_for stranger ErrImagePull &&
        eventually 10 tells stranger '^Warning Failed Failed to pull image "127.0.0.1:5001/site:1": .*401'
}
strangers_never() {
    pod_of quiet 127.0.0.1:5001/site:1 'imagePullPolicy: Never' && eventually 10 waits_for quiet ErrImageNeverPull &&
        waiting quiet message | grep -q 'pulled with credentials that this pod does not have'
}
holders_need_none() {
    pod_of holder 127.0.0.1:5001/site:1 'imagePullPolicy: Never' 'imagePullSecrets: [{name: old}],' && runs holder
    kubectl delete pod stranger quiet holder --wait=true >/dev/null
}
secret_goes() {
    fresh account
    kubectl create secret docker-registry brief --docker-server=127.0.0.1:5001 --docker-username=user --docker-password=secret >/dev/null
    kubectl apply -f - >/dev/null <<Y
apiVersion: v1
kind: Pod
metadata: {name: brief}
spec:
  terminationGracePeriodSeconds: 1
  imagePullSecrets: [{name: brief}]
  containers:
  - {name: main, image: "127.0.0.1:5001/site:1", command: [sh, -c, "until cat /end; do sleep 0.2; done"], securityContext: {runAsUser: 0}}
Y
    runs brief && kubectl delete secret brief >/dev/null && kubectl exec brief -- sh -c 'echo >/end' &&
        eventually 30 says "1 true" kubectl get pod brief -o \
            'jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}'
}
secret_is_missing() {
    fresh brief
    pod_of missing 127.0.0.1:5001/site:1 '' 'imagePullSecrets: [{name: nowhere}],' &&
        eventually 10 tells missing '^Warning FailedToRetrieveImagePullSecret Unable to retrieve some image pull secrets \(nowhere\)'
}
