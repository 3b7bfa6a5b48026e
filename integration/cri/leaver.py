"""Asks for a detached container over the node's socket and leaves while it is made. usage: leaver.py SOCKET NAME SANDBOXES|--stay

SANDBOXES: the runtime's records; it leaves when one of them is the container's. With --stay it waits until the container has started.
"""

import json
import os
import socket
import struct
import sys
import time
from pathlib import Path

WANTED = {
    "name": sys.argv[2], "image": "busybox:demo", "command": ["sleep", "1000"], "network": "pod", "hostname": "",
    "workingDirectory": "", "user": "", "confinement": {"seccomp": "", "appArmor": ""}, "processes": "container", "ipc": "pod",
    "detached": True,
}


def frame(payload):
    """A binary message of a client's, masked with zeros."""
    return struct.pack(">BBH", 0x82, 0x80 | 126, len(payload)) + bytes(4) + payload


def frames(stream):
    """The payloads of a server's messages."""
    while len(start := stream.read(2)) == 2:
        size = start[1]
        if size >= 126:
            size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
        yield stream.read(size)


def is_being_made(name, sandboxes):
    for record in sandboxes.glob("*/sandbox.json"):
        try:
            if f'"{name}"' in record.read_text():
                return True
        except FileNotFoundError:
            pass
    return False


peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall(
    b"GET /v1/run HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n")
stream = peer.makefile("rb")
status = stream.readline()
assert b" 101 " in status, status
while stream.readline() not in (b"\r\n", b""):
    pass
peer.sendall(frame(json.dumps(WANTED).encode()))
if sys.argv[3] == "--stay":
    # Channel 6, before anything else.
    first = next(frames(stream), b"")
    assert first[:1] == b"\6", first
else:
    deadline = time.monotonic() + 10
    while not is_being_made(sys.argv[2], Path(sys.argv[3])):
        assert time.monotonic() < deadline, "it is not made"
    peer.shutdown(socket.SHUT_RDWR)
os._exit(0)
