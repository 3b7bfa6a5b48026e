"""A server that sends back what comes, and closes only when its client has; and a client that relies on it."""
import os
import socket
import sys
import threading


def answer(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)
    connection.close()


def serve(port):
    with socket.create_server(("0.0.0.0", port), backlog=16) as server:
        while True:
            threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()


def ask(port, length, whole):
    sent, got = os.urandom(length), bytearray()

    def read(connection):
        while data := connection.recv(65536):
            got.extend(data)

    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        reader = threading.Thread(target=read, args=(connection,))
        reader.start()
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        reader.join()
    if bytes(got) == sent:
        whole.append(length)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
lengths = [10, 300_000, 3_000_000]
whole = []
threads = [threading.Thread(target=ask, args=(int(sys.argv[2]), length, whole)) for length in lengths]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("came back whole:", sorted(whole))
sys.exit(sorted(whole) != lengths)
