"""Agents that answer for system calls (seccomp notify), and what one that does not can hold up."""
import array
import fcntl
import socket
import struct
import tempfile
import threading

from attack import attack
from bundle import expect, until


class Agent:
    """Takes seccomp listeners at a path. For the first `serves` of them every call goes on as if it were not asked for; the others are never answered."""

    def __init__(self, runtime, serves=0):
        self.path = tempfile.mktemp(dir=runtime.folder)
        self.taken = []
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(8)
        threading.Thread(target=self.take, args=[serves], daemon=True).start()

    def take(self, serves):
        while True:
            peer, _ = self.server.accept()
            _, ancillary, _, _ = peer.recvmsg(65536, socket.CMSG_SPACE(4))
            listener = array.array("i", ancillary[0][2])[0]
            self.taken.append(listener)
            if len(self.taken) <= serves:
                threading.Thread(target=let_pass, args=[listener], daemon=True).start()

    def asked_for(self, *calls):
        def change(config):
            config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": self.path,
                                          "syscalls": [{"names": list(calls), "action": "SCMP_ACT_NOTIFY"}]}
        return change


def let_pass(listener):
    try:
        while True:
            request = bytearray(80)
            fcntl.ioctl(listener, 0xC0502100, request)  # SECCOMP_IOCTL_NOTIF_RECV
            fcntl.ioctl(listener, 0xC0182101, struct.pack("QqiI", struct.unpack_from("Q", request)[0], 0, 0, 1))  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
    except OSError:
        pass  # who asked has ended


@attack("an agent that never answers", "a container's process, a session and the program itself wait for it; paused and deleted meanwhile, and a session beside them",
        "who waits for an agent is ended by a signal; no lock is held over the wait", "with an agent that lets it pass the call is done")
def test_silent_agent(runtime):
    """An agent that never answers holds up who asked it, and nobody else."""
    silent, kind = Agent(runtime), Agent(runtime, serves=9)
    name, _ = runtime.create("mkdir /dev/shm/made; sleep 100", silent.asked_for("mkdir", "mkdirat"))
    runtime.call("start", name)
    until(lambda: len(silent.taken) == 1, "the agent has the listener")
    session = runtime.begin("exec", name, "mkdir", "/dev/shm/other")
    until(lambda: len(silent.taken) == 2, "the session waits")
    assert runtime.call("exec", name, "ls", "/dev/shm").stdout == ""
    runtime.call("pause", name)
    assert runtime.status(name) == "paused"
    runtime.call("resume", name)
    runtime.call("delete", "--force", name)
    assert session.wait(30) != 0
    name, _ = runtime.create("true", silent.asked_for("execve"))
    start = runtime.begin("start", name)
    until(lambda: len(silent.taken) == 4, "the program waits")
    runtime.call("delete", "--force", name)
    start.wait(30)
    assert runtime.left_over(name) == [], runtime.left_over(name)
    expect(runtime.run("mkdir /dev/shm/made && echo made", kind.asked_for("mkdir", "mkdirat", "execve")).stdout, "made")  # the control


def test_seccomp_agent_that_takes_nothing(runtime):
    """linux.seccomp.listenerPath: an agent that accepts no connection is an error after a while, and no wait without end."""
    server, waiting = socket.socket(socket.AF_UNIX), []
    path = runtime.folder + "/full"
    server.bind(path)
    server.listen(0)
    try:
        while len(waiting) < 9:
            waiting.append(socket.socket(socket.AF_UNIX))
            waiting[-1].setblocking(False)
            waiting[-1].connect(path)
    except BlockingIOError:
        pass  # it takes no more
    agent = Agent(runtime)
    agent.path = path
    done = runtime.run("sleep 100", agent.asked_for("mkdir"), check=False, timeout=60)
    assert done.returncode != 0
    expect(done.stderr, path, "timed out")
