"""Reads a WebSocket behind a unix socket to its end and prints what its messages carry. usage: websocket.py SOCKET PATH PROTOCOL, which may be empty"""

import socket
import struct
import sys

path, target, protocol = sys.argv[1:]
peer = socket.socket(socket.AF_UNIX)
peer.settimeout(20)
peer.connect(path)
offer = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
peer.sendall(
    f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{offer}\r\n".encode())
stream = peer.makefile("rb")
status = stream.readline()
if b" 101 " not in status:
    raise SystemExit(status.decode())
while (line := stream.readline()) not in (b"\r\n", b""):
    if line.lower().startswith(b"sec-websocket-protocol:"):
        print(line.split(b":", 1)[1].strip().decode())
while len(start := stream.read(2)) == 2:
    kind, size = start[0] & 15, start[1] & 127
    if size >= 126:
        size = struct.unpack(">H" if size == 126 else ">Q", stream.read(2 if size == 126 else 8))[0]
    content = stream.read(size)
    if kind == 8:
        break
    if kind in (1, 2):
        print("text" if kind == 1 else "binary", content)
