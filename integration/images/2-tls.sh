# Sourced: registries over TLS, with certificates of an authority of our own.

# An authority, a certificate for 127.0.0.1, one for another name and one of a client.
make_certificates() {
    local pki=$ROOT/pki name
    mkdir -p "$pki"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=test authority" \
        -keyout "$pki/ca.key" -out "$pki/ca.pem" 2>/dev/null
    for name in right:IP:127.0.0.1 wrong:DNS:elsewhere.example proxied:DNS:tls.proxied client:DNS:client.example; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=registry" \
            -keyout "$pki/${name%%:*}.key" -out "$pki/request" 2>/dev/null
        openssl x509 -req -in "$pki/request" -CA "$pki/ca.pem" -CAkey "$pki/ca.key" -CAcreateserial -days 2 \
            -extfile <(echo "subjectAltName=${name#*:}") -out "$pki/${name%%:*}.pem" 2>/dev/null
    done
}

tls() {
    start_registry 5003 right "" right
    start_registry 5004 wrong "" wrong
    inside skopeo --insecure-policy copy -q --dest-cert-dir "$ROOT/certs" "oci:$ROOT/oci:site" docker://127.0.0.1:5003/site:1 >/dev/null
    check "a registry is trusted by the authority that is configured" swiftlet pull 127.0.0.1:5003/site:1
    check "without it its certificate is refused in words" says "certificate is of no authority that is trusted here" swiftlet pull localhost:5003/site:1
    check "a certificate for another name is refused in words" says "certificate is for another name" swiftlet pull 127.0.0.1:5004/site:1
    check "a plain answer to TLS is told" says "the server does not speak TLS" swiftlet pull localhost:5000/site:oci
    check "an image is pushed over TLS" pushed_over_tls
    start_registry 5005 clients "" right "$ROOT/pki/ca.pem"
    check "a registry that is not in certs.d is of no authority" says "of no authority that is trusted" swiftlet pull 127.0.0.1:5005/site:1
    certs_of ca.crt
    check "with its authority there it refuses us in words" says "takes no client without a certificate that it trusts" swiftlet pull 127.0.0.1:5005/site:1
    check "with a certificate of ours there it gives and takes images" with_client_certificate
    check "a certificate without its key is told" certificate_without_key
}
# As docker and podman have them, for the server that runs.
certs_of() {
    local name from=$ROOT/pki to="$ROOT/c/certs.d/127.0.0.1:5005"
    mkdir -p "$to" && rm -f "$to"/*
    for name in "$@"; do
        case $name in
        ca.crt) cp "$from/ca.pem" "$to/$name" ;;
        client.cert) cp "$from/client.pem" "$to/$name" ;;
        client.key) cp "$from/client.key" "$to/$name" ;;
        esac
    done
}
with_client_certificate() {
    certs_of ca.crt client.cert client.key
    swiftlet images tag 127.0.0.1:5003/site:1 127.0.0.1:5005/site:1 && swiftlet images push 127.0.0.1:5005/site:1 &&
        swiftlet images remove 127.0.0.1:5005/site:1 && swiftlet pull 127.0.0.1:5005/site:1 &&
        inside skopeo inspect --cert-dir "$ROOT/c/certs.d/127.0.0.1:5005" docker://127.0.0.1:5005/site:1 | grep -q '"Digest"'
}
certificate_without_key() {
    certs_of ca.crt client.cert
    says client.key swiftlet pull 127.0.0.1:5005/site:1
}
pushed_over_tls() {
    swiftlet images tag 127.0.0.1:5003/site:1 127.0.0.1:5003/other/site:2 && swiftlet images push 127.0.0.1:5003/other/site:2 &&
        inside skopeo inspect --cert-dir "$ROOT/certs" docker://127.0.0.1:5003/other/site:2 | grep -q '"Digest"'
}
