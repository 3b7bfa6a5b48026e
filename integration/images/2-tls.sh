# Sourced: registries over TLS, with certificates of an authority of our own.

# An authority, a certificate for 127.0.0.1 and one for another name.
make_certificates() {
    local pki=$ROOT/pki name
    mkdir -p "$pki"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=test authority" \
        -keyout "$pki/ca.key" -out "$pki/ca.pem" 2>/dev/null
    for name in right:IP:127.0.0.1 wrong:DNS:elsewhere.example; do
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
}
pushed_over_tls() {
    swiftlet images tag 127.0.0.1:5003/site:1 127.0.0.1:5003/other/site:2 && swiftlet images push 127.0.0.1:5003/other/site:2 &&
        inside skopeo inspect --cert-dir "$ROOT/certs" docker://127.0.0.1:5003/other/site:2 | grep -q '"Digest"'
}
