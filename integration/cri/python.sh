# Sourced: a Python with grpcio and the classes made from runtime.proto.

# make_python DIRECTORY: the interpreter is $PYTHON then. What PyPI gives is kept in .build for the next run.
make_python() {
    local environment=.build/cri-python
    install_packages python3-venv
    mkdir -p .build "$1"
    # shellcheck disable=SC2016
    flock -o .build/cri-python.lock bash -c '"$0/bin/python" -c "import grpc_tools, websocket" 2>/dev/null ||
        { python3 -m venv "$0" && "$0/bin/pip" install -q --retries 10 --timeout 60 "grpcio-tools==1.85.*" "websocket-client==1.*"; }' "$environment" || return 1
    PYTHON=$PWD/$environment/bin/python
    export PYTHONPATH=$1
    "$PYTHON" -m grpc_tools.protoc -I integration/cri --python_out="$1" --grpc_python_out="$1" runtime.proto
}
