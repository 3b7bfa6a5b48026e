"""A slow line: forwards TCP from one loopback port to another, so many bytes a second in all, and counts what came back. While there is a file
COUNT_FILE.hold, with a number in it, nothing is carried beyond so many bytes but a little each second, so that nobody takes the line for dead.
usage: line.py FROM TO BYTES_PER_SECOND COUNT_FILE"""
import os, socket, sys, threading, time

source, target, rate, count_file = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
lock = threading.Lock()
total = int(open(count_file).read()) if os.path.exists(count_file) else 0
due = time.monotonic()


def is_held():
    try:
        with open(count_file + ".hold") as file:
            return total > int(file.read() or 0)
    except FileNotFoundError:
        return False


def forward(a, b, slow):
    global total, due
    try:
        while data := a.recv(16384 if slow and is_held() else 65536):
            if slow:
                end = time.monotonic() + 1
                while is_held() and time.monotonic() < end:
                    time.sleep(0.05)
                with lock:
                    total += len(data)
                    with open(count_file + ".new", "w") as file:
                        file.write(str(total))
                    os.replace(count_file + ".new", count_file)
                    due = max(due, time.monotonic()) + len(data) / rate
                    wait = due - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
            b.sendall(data)
    except OSError:
        pass
    for end in (a, b):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", source))
server.listen(64)
while True:
    near, _ = server.accept()
    try:
        far = socket.create_connection(("127.0.0.1", target))
    except OSError:
        near.close()
        continue
    threading.Thread(target=forward, args=(near, far, False), daemon=True).start()
    threading.Thread(target=forward, args=(far, near, True), daemon=True).start()
