"""--systemd-cgroup beside a bus of the check's own that plays systemd, so that it also answers late, as an old version, and beside a liar.
What the real one makes of the same calls is tried in the virtual machine."""
import os
import socket
import struct
import threading
import time

from bundle import expect, hierarchy, until

BUS, MANAGER = "org.freedesktop.DBus", "org.freedesktop.systemd1"
PATH = "/org/freedesktop/systemd1"
WIDTHS = {"y": 1, "b": 4, "i": 4, "u": 4, "x": 8, "t": 8, "s": 4, "o": 4, "g": 1, "a": 4, "v": 1, "(": 8}
NUMBERS = {"y": "B", "b": "I", "i": "i", "u": "I", "x": "q", "t": "Q"}


def whole_type(signature):
    """The first complete type of a signature, and the rest."""
    if signature[0] == "a":
        inner, rest = whole_type(signature[1:])
        return "a" + inner, rest
    depth = 0
    for place, letter in enumerate(signature):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return signature[:place + 1], signature[place + 1:]
    raise ValueError(signature)


class Reader:
    """Values out of a message, little end first."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def align(self, size):
        self.at += -self.at % size

    def number(self, letter):
        self.align(WIDTHS[letter])
        value, = struct.unpack_from("<" + NUMBERS[letter], self.data, self.at)
        self.at += WIDTHS[letter]
        return value

    def values(self, signature):
        found = []
        while signature:
            first, signature = whole_type(signature)
            found.append(self.value(first))
        return found

    def value(self, kind):
        if kind in NUMBERS:
            return self.number(kind)
        if kind in "sog":
            length = self.number("y" if kind == "g" else "u")
            self.at += length + 1
            return self.data[self.at - length - 1:self.at - 1].decode()
        if kind == "v":
            return self.value(self.value("g"))
        if kind[0] == "(":
            self.align(8)
            return self.values(kind[1:-1])
        length = self.number("u")
        self.align(WIDTHS[kind[1]])
        found, end = [], self.at + length
        while self.at < end:
            found.append(self.value(kind[1:]))
        return found


def text(value):
    return struct.pack("<I", len(value)) + value.encode() + b"\0"


def message(kind, sender, fields=(), signature="", arguments=()):
    """A message from the bus; `fields` are code, type and value; the arguments are texts and numbers of 32 bits."""
    body, head = b"", b""
    for letter, value in zip(signature, arguments):
        body += b"\0" * (-len(body) % 4) + (struct.pack("<I", value) if letter == "u" else text(value))
    for code, letter, value in [*fields, (7, "s", sender), *([(8, "g", signature)] if signature else [])]:
        head += b"\0" * (-len(head) % 8) + bytes([code, 1, ord(letter), 0])
        head += struct.pack("<I", value) if letter == "u" else text(value) if letter != "g" else bytes([len(value)]) + value.encode() + b"\0"
    start = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), 1, len(head)) + head
    return start + b"\0" * (-len(start) % 8) + body


class Systemd:
    """Makes scopes as it is asked to, in a group of its own. `forges`: before each word of its own comes another's that the job has failed.
    `reexecutes`: at each job it is executed anew, before its answer, or before the signal, which is then heard of its new name or lost."""

    def __init__(self, folder, version="252.39-1~deb12u1", forges=False, is_late=False, reexecutes=None):
        self.slice = f"{hierarchy()}/oci-check-systemd-{os.getpid()}"
        self.version, self.forges, self.is_late = version, forges, is_late
        self.properties, self.jobs = {}, 0
        self.reexecutes, self.turn = reexecutes, 3
        self.path = f"{folder}/systemd-{time.monotonic_ns()}"
        self.server = socket.socket(socket.AF_UNIX)

    def __enter__(self):
        os.makedirs(self.slice, exist_ok=True)
        self.server.bind(self.path)
        self.server.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.close()
        for unit in os.listdir(self.slice):
            self.stop(unit, "replace")
        os.rmdir(self.slice)

    def options(self):
        return dict(env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS="unix:path=" + self.path))

    def serve(self):
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=[peer], daemon=True).start()

    def talk(self, peer):
        stream = peer.makefile("rb")
        for line in stream:
            if line == b"BEGIN\r\n":
                break
        peer.sendall(b"DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n")
        while len(start := stream.read(16)) == 16:
            body, serial, fields = struct.unpack_from("<III", start, 4)
            data = start + stream.read((fields + 7) // 8 * 8 + body)
            head = {code: value for code, value in Reader(data, 12).value("a(yv)")}
            arguments = Reader(data[len(data) - body:]).values(head.get(8, ""))
            self.answer(peer, serial, head[3], arguments)

    def answer(self, peer, serial, member, arguments):
        def reply(signature="", *values, sender=None):
            sender = sender or f":1.{self.turn}"
            peer.sendall(message(2, sender, [(5, "u", serial)], signature, values))
        def removed(sender, unit, result):
            fields = [(1, "o", PATH), (2, "s", MANAGER + ".Manager"), (3, "s", "JobRemoved")]
            peer.sendall(message(4, sender, fields, "uoss", [self.jobs, f"{PATH}/job/{self.jobs}", unit, result]))
        def error(name, sender):
            peer.sendall(message(3, sender, [(4, "s", name), (5, "u", serial)], "s", [name]))
        def execute_anew():
            names = f":1.{self.turn}", f":1.{self.turn + 1}"
            for old, new in ((names[0], ""), ("", names[1])):
                fields = [(1, "o", "/org/freedesktop/DBus"), (2, "s", BUS), (3, "s", "NameOwnerChanged")]
                peer.sendall(message(4, BUS, fields, "sss", [MANAGER, old, new]))
            self.turn += 1
        if member in ("Hello", "GetNameOwner", "AddMatch"):
            reply(*{"Hello": ("s", ":1.9"), "GetNameOwner": ("s", f":1.{self.turn}"), "AddMatch": ()}[member], sender=BUS)
        elif member == "Get":
            peer.sendall(self.told_version(serial))
        elif member in ("StartTransientUnit", "StopUnit"):
            self.jobs += 1
            if self.forges:
                removed(":1.66", arguments[0], "failed")
            if member == "StartTransientUnit" and os.path.isdir(f"{self.slice}/{arguments[0]}"):
                return error(MANAGER + ".UnitExists", f":1.{self.turn}")
            (self.start if member == "StartTransientUnit" else self.stop)(*arguments)
            if self.reexecutes == "before its answer" and member == "StartTransientUnit":
                execute_anew()
                return error(BUS + ".Error.NoReply", BUS)
            reply("o", f"{PATH}/job/{self.jobs}")
            if self.reexecutes:
                execute_anew()
            if self.reexecutes != "instead of its signal":
                removed(f":1.{self.turn}", arguments[0], "done")
        elif member == "GetJob" and self.reexecutes != "before its signal":
            error(MANAGER + ".NoSuchJob", f":1.{self.turn}")
        elif member == "SetUnitProperties" and self.is_late:
            until(lambda: "populated 0" in open(f"{self.slice}/{arguments[0]}/cgroup.events").read(), "its processes have ended")
            error(MANAGER + ".NoSuchUnit", ":1.3")
        else:
            self.properties.update(arguments[2] if member == "SetUnitProperties" else {})
            reply()

    def told_version(self, serial):
        """A reply of one variant, of a text."""
        made = message(2, ":1.3", [(5, "u", serial)], "v")
        value = b"\1s\0\0" + text(self.version)
        return made[:4] + struct.pack("<I", len(value)) + made[8:] + value

    def start(self, unit, _mode, properties, _others):
        self.properties = dict(properties)
        os.mkdir(f"{self.slice}/{unit}")
        for process in self.properties["PIDs"]:
            open(f"{self.slice}/{unit}/cgroup.procs", "w").write(str(process))

    def stop(self, unit, _mode):
        group = f"{self.slice}/{unit}"
        if os.path.isdir(group):
            open(group + "/cgroup.kill", "w").write("1")
            until(lambda: "populated 0" in open(group + "/cgroup.events").read(), "its processes have ended")
            os.rmdir(group)


def change(name, resources=None, mounts=()):
    def changed(config):
        config["linux"]["cgroupsPath"] = f"checks.slice:check:{name}"
        config["linux"]["resources"].update(resources or {})
        config["mounts"] += mounts
    return changed


def test_systemd_scope(runtime):
    """linux.cgroupsPath: a scope is made, changed and ended, and nobody but systemd is believed that it is."""
    name = runtime.id()
    with Systemd(runtime.folder, forges=True) as systemd:
        group = f"{systemd.slice}/check-{name}.scope"
        folder = runtime.bundle("sleep 60", change(name, {"memory": {"limit": 64 << 20}}))
        runtime.call("--systemd-cgroup", "create", "--bundle", folder, name, output=None, **systemd.options())
        assert systemd.properties["MemoryMax"] == 64 << 20 and systemd.properties["Slice"] == "checks.slice", systemd.properties
        runtime.call("start", name)
        assert len(open(group + "/cgroup.procs").read().split()) == 1, "who held the scope is still there"
        runtime.call("exec", name, "true")
        runtime.call("update", "--pids-limit", "9", name, check=False, **systemd.options())
        assert systemd.properties["TasksMax"] == 9, systemd.properties
        runtime.call("delete", "--force", name, **systemd.options())
        assert not os.path.exists(group), "its group is left"


def test_systemd_scope_of_shares(runtime):
    """linux.resources.cpu.shares: the weight that a scope gets is on the curve of runc 1.3.2 and crun 1.23."""
    for shares, weight in ((2, 1), (512, 59), (1024, 100), (262144, 10000)):
        name = runtime.id()
        with Systemd(runtime.folder) as systemd:
            folder = runtime.bundle("true", change(name, {"cpu": {"shares": shares}}))
            runtime.call("--systemd-cgroup", "run", "--bundle", folder, name, **systemd.options())
            assert systemd.properties.get("CPUWeight") == weight, (shares, systemd.properties)


def test_systemd_scope_of_one(runtime):
    """linux.resources.pids of one in a scope: why a container has ended comes before systemd's word that it is gone."""
    name = runtime.id()
    with Systemd(runtime.folder, is_late=True) as systemd:
        wrong = {"destination": "/mnt", "type": "nothing", "source": "nothing"}
        folder = runtime.bundle("true", change(name, {"pids": {"limit": 1}}, [wrong]))
        done = runtime.call("--systemd-cgroup", "run", "--bundle", folder, name, check=False, **systemd.options())
        assert done.returncode != 0
        expect(done.stderr, 'mounts[7] (/mnt): the file system type "nothing" is not known')
        assert not os.path.exists(f"{systemd.slice}/check-{name}.scope"), "its group is left"


def test_systemd_executed_anew(runtime):
    """linux.cgroupsPath: a systemd that executes itself anew while a scope is made or ended is heard of its new name, and nothing waits for what is lost."""
    for moment in ("before its signal", "instead of its signal", "before its answer"):
        name = runtime.id()
        with Systemd(runtime.folder, reexecutes=moment) as systemd:
            folder, begin = runtime.bundle("sleep 60", change(name)), time.monotonic()
            runtime.call("--systemd-cgroup", "create", "--bundle", folder, name, output=None, **systemd.options())
            assert len(open(f"{systemd.slice}/check-{name}.scope/cgroup.procs").read().split()) == 1, moment
            runtime.call("delete", "--force", name, **systemd.options())
            assert not os.path.exists(f"{systemd.slice}/check-{name}.scope"), "its group is left"
            # the whole conversation may last 30 s, and a name is waited for 3 s
            assert time.monotonic() - begin < 20, moment


def test_systemd_of_an_older_version(runtime):
    """linux.resources.cpu.idle: a systemd that knows it is told of it, an older one is not."""
    for version, told in (("252.39-1~deb12u1", 0), ("249.11-0ubuntu3", None)):
        name = runtime.id()
        with Systemd(runtime.folder, version=version) as systemd:
            folder = runtime.bundle("true", change(name, {"cpu": {"idle": 1}}))
            runtime.call("--systemd-cgroup", "run", "--bundle", folder, name, **systemd.options())
            assert systemd.properties.get("CPUWeight") == told, (version, systemd.properties)
