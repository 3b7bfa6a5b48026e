"""Exec, attach and port forwarding, as a client of the streams' own server."""
import grpc
import runtime_pb2 as cri
import websocket
from calls import check, code


def connect(calls, url):
    protocol = "v4.channel.k8s.io" if calls.options.peer else "v5.channel.k8s.io"
    return websocket.create_connection(url.replace("http://", "ws://"), subprotocols=[protocol], timeout=90)


def drain(connection):
    """Bytes by channel until the server has closed."""
    channels = {}
    try:
        while True:
            data = connection.recv()
            if not data:
                break
            channels[data[0]] = channels.get(data[0], b"") + data[1:]
    except websocket.WebSocketConnectionClosedException:
        pass
    return channels


def streams(calls):
    box, config = calls.sandbox("streams")
    reader = calls.container_config("reader", ["/bin/sh", "-c", "while read line; do echo got $line; done"], stdin=True)
    id = calls.start(box, config, reader)
    exec_ = lambda **r: calls.runtime.Exec(cri.ExecRequest(container_id=id, **r)).url
    url = exec_(cmd=["/bin/sh", "-c", "echo out; echo err >&2; exit 5"], stdout=True, stderr=True)
    channels = drain(connect(calls, url))
    check("Exec streams both outputs and the status",
          channels.get(1) == b"out\n" and channels.get(2) == b"err\n" and b'"5"' in channels.get(3, b""), channels)
    again = None
    try:
        connect(calls, url)
    except Exception as error:
        again = error
    check("a URL is good for one use", again is not None)
    if not calls.options.peer:
        connection = connect(calls, exec_(cmd=["cat"], stdin=True, stdout=True))
        connection.send_binary(b"\x00" + b"typed")
        connection.send_binary(b"\xff\x00")
        check("standard input arrives and ends", drain(connection).get(1) == b"typed")
    waits = "for i in $(seq 200); do case $(stty size) in '40 120') break;; esac; sleep 0.1; done; stty size"
    connection = connect(calls, exec_(cmd=["/bin/sh", "-c", waits], stdin=True, stdout=True, tty=True))
    connection.send_binary(b"\x04" + b'{"Width": 120, "Height": 40}')
    check("a terminal has the client's size", b"40 120" in drain(connection).get(1, b""))
    both = code(lambda: exec_(cmd=["true"], stdout=True, stderr=True, tty=True))
    check("a terminal with an stderr is refused", both == grpc.StatusCode.INVALID_ARGUMENT, both)
    connection = connect(calls, calls.runtime.Attach(cri.AttachRequest(container_id=id, stdin=True, stdout=True, stderr=True)).url)
    connection.send_binary(b"\x00hello\n")
    got = b""
    while b"got hello\n" not in got:
        data = connection.recv()
        if not data:
            break
        got += data[1:] if data[0] == 1 else b""
    check("Attach reaches the container's own process", b"got hello\n" in got, got)
    connection.close()
    url = calls.runtime.PortForward(cri.PortForwardRequest(pod_sandbox_id=box, port=[80])).url
    check("PortForward gives a URL on loopback", url.startswith("http://127.0.0.1:"), url)
    calls.remove(box)
