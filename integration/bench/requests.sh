#!/bin/bash
# Requests a second and their latency at a running API server, with one client and with sixteen, over HTTP/1.1 (wrk) and HTTP/2 (h2load).
# usage: requests.sh URL [TOKEN]     for example: requests.sh https://127.0.0.1:6443/readyz
# The budgets are 3,000 GETs a second with one client and 15,000 with sixteen. Debian packages: wrk, nghttp2-client.
set -euo pipefail
url=${1:?usage: $0 URL [TOKEN]}
header=()
if [ $# -gt 1 ]; then header=(-H "Authorization: Bearer $2"); fi
for tool in wrk h2load; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install wrk nghttp2-client" >&2; exit 1; }
done
for clients in 1 16; do
    echo "HTTP/1.1, $clients clients"
    wrk --threads 1 --connections "$clients" --duration 5s --latency "${header[@]}" "$url" |
        grep -E 'Requests/sec|50%|99%|Non-2xx|Socket errors'
    echo "HTTP/2, $clients clients"
    h2load --threads 1 --clients "$clients" --duration 5 "${header[@]}" "$url" |
        grep -E '^finished|^status codes|^time for request'
done
