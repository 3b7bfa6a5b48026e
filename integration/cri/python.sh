# Sourced: a Python with grpcio and the classes made from runtime.proto.

# make_python DIRECTORY: the interpreter is $PYTHON then. What PyPI gives is kept in .build for the next run.
make_python() {
    local environment=.build/cri-python
    install_packages python3-venv
    if ! [ -x "$environment/bin/python" ] || ! "$environment/bin/python" -c 'import grpc_tools, websocket' 2>/dev/null; then
        python3 -m venv "$environment" &&
            "$environment/bin/pip" install -q --retries 10 --timeout 60 'grpcio-tools==1.85.*' 'websocket-client==1.*' || return 1
    fi
    mkdir -p "$1"
    PYTHON=$PWD/$environment/bin/python
    export PYTHONPATH=$1
    "$PYTHON" -m grpc_tools.protoc -I integration/cri --python_out="$1" --grpc_python_out="$1" runtime.proto
}
