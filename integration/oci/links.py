"""Network devices that a container is given."""
import json
import os
import subprocess

from bundle import expect, until, with_users, without


class Place:
    """A network namespace of its own with a pair of devices, dev0 and peer0, and the runtime called in it."""

    def __init__(self, runtime, addresses=()):
        self.runtime = runtime
        # it ends with us, who hold its input
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.path = f"/proc/{self.holder.pid}/ns/net"
        self.caller = runtime.folder + f"/caller-{self.holder.pid}"
        with open(self.caller, "w") as file:
            file.write(f"#!/bin/sh\nexec nsenter --net={self.path} {runtime.program} \"$@\"\n")
        os.chmod(self.caller, 0o755)
        self.ip("link", "add", "dev0", "type", "veth", "peer", "name", "peer0")
        for words in addresses:
            self.ip("address", "add", *words.split(), "dev", "dev0")

    def __enter__(self):
        self.program, self.runtime.program = self.runtime.program, self.caller
        return self

    def __exit__(self, *_):
        self.runtime.program = self.program
        self.holder.kill()
        self.holder.wait()

    def ip(self, *words):
        done = subprocess.run(["nsenter", f"--net={self.path}", "ip", *words], capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def names(self):
        return {link["ifname"] for link in json.loads(self.ip("-j", "link"))}


def give(**devices):
    return lambda c: c["linux"].update(netDevices=devices)


def test_network_devices(runtime):
    """linux.netDevices: a device is renamed, keeps what addresses are to last, is up, and goes with the container; a template gets a free number."""
    kept = ["192.0.2.1/24", "198.51.100.1 peer 198.51.100.9/32", "2001:db8::1/64 nodad"]
    with Place(runtime, [*kept, "203.0.113.5/24 scope link", "2001:db8::2/64 valid_lft 600 preferred_lft 600"]) as place:
        name, _ = runtime.create("exec sleep 60", give(dev0={"name": "eth7"}))
        place.runtime.call("start", name)
        assert place.names() == {"lo", "peer0"}, place.names()
        seen = place.runtime.call("exec", name, "ip", "address", "show", "dev", "eth7").stdout
        expect(seen, "UP", "inet 192.0.2.1/24 ", "inet 198.51.100.1 peer 198.51.100.9/32", "inet6 2001:db8::1/64 scope global")
        assert "203.0.113.5" not in seen and "2001:db8::2" not in seen, seen
        runtime.call("delete", "--force", name)
        until(lambda: place.names() == {"lo"}, "the end of the pair, which the kernel sees to in its time")
    for change, wanted in ((give(dev0={}), "dev0"), (give(dev0={"name": "eth%d"}), "eth0")):
        for more in (lambda c: None), with_users, (lambda c: c.update(hooks={"createContainer": [{"path": "/bin/true"}]})):
            with Place(runtime) as place:
                found = runtime.run("ip -o link show up", lambda c: (change(c), more(c))).stdout
                expect(found, f": {wanted}")
    assert json.loads(runtime.call("features").stdout)["linux"]["netDevices"] == {"enabled": True}


def join(path):
    def change(c):
        without(c, "network")
        c["linux"]["namespaces"].append({"type": "network", "path": path})
    return change


def test_network_devices_that_cannot_go(runtime):
    """linux.netDevices: where its number is taken it goes by another; a name that is taken or a device that is not there is an error, and all stays."""
    with Place(runtime, ["192.0.2.1/24"]) as place, Place(runtime) as target:
        place.ip("link", "set", "dev0", "up")
        runtime.program = place.caller
        taken = {"dev0": {"name": "peer0"}}, ["linux.netDevices.dev0", "as peer0", "File exists"]
        for own, (devices, words) in (
                ("dev0", taken), ("dev0", ({"dev0": {}}, ["linux.netDevices.dev0", "File exists"])),
                ("dev0", ({"dev1": {}}, ["linux.netDevices.dev1", "No such device"])), ("dev9", taken)):
            if own not in target.names():
                target.ip("link", "set", "dev0", "name", own)
            name = runtime.id()
            folder = runtime.bundle("true", lambda c: (join(target.path)(c), give(**devices)(c)))
            expect(runtime.call("run", "--bundle", folder, name, check=False).stderr, *words)
            assert name not in os.listdir(runtime.root)
            expect(place.ip("address", "show", "dev", "dev0"), "192.0.2.1/24", ",UP")
        runtime.run("ip link show dev dev7", lambda c: (join(target.path)(c), give(dev0={"name": "dev7"})(c)))
        assert target.names() == {"lo", "dev9", "peer0", "dev7"} and place.names() == {"lo", "peer0"}


def test_network_devices_come_back(runtime):
    """linux.netDevices: where the container does not come about, what was given to it is back as it was: name, number, addresses, up or not."""
    kept = ["192.0.2.1/24", "2001:db8::1/64 nodad"]
    failing = lambda c: c.update(hooks={"createContainer": [{"path": "/bin/false"}]})
    starting = lambda c: c.update(hooks={"startContainer": [{"path": "/bin/false"}]})
    unknown = lambda c: c["linux"]["netDevices"].update(dev8={})
    with Place(runtime, kept) as place, Place(runtime) as target:
        place.ip("link", "add", "dev1", "type", "veth", "peer", "name", "peer1")
        before = lambda: [place.ip("address", "show", "dev", name).split(" qlen")[0] for name in ("dev1", "dev0")]
        runtime.program = place.caller
        for is_up in (False, True):
            place.ip("link", "set", "dev0", "up" if is_up else "down")
            for words in kept:
                place.ip("address", "replace", *words.split(), "dev", "dev0")
            was = [word for text in before() for word in text.split() if word not in ("LOWERLAYERDOWN", "UP")]
            for change, said in ((failing, "createContainer"), (starting, "startContainer"), (unknown, "linux.netDevices.dev8")):
                for namespace in (lambda c: None, with_users, join(target.path)):
                    given = give(dev0={"name": "eth%d"}, dev1={"name": "peer9"})
                    folder = runtime.bundle("true", lambda c: (namespace(c), given(c), change(c)))
                    done = runtime.call("run", "--bundle", folder, runtime.id(), check=False)
                    assert done.returncode != 0
                    expect(done.stderr, said)
                    assert "taken back" not in done.stderr, done.stderr
                    now = [word for text in before() for word in text.split() if word not in ("LOWERLAYERDOWN", "UP")]
                    assert now == was, (said, now, was)
                    assert target.names() == {"lo", "dev0", "peer0"} and place.names() == {"lo", "dev0", "dev1", "peer0", "peer1"}
        # an address that it is refused there, when it has been moved already
        subprocess.run(["nsenter", f"--net={target.path}", "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"], check=True)
        folder = runtime.bundle("true", lambda c: (join(target.path)(c), give(dev0={"name": "dev5"})(c)))
        expect(runtime.call("run", "--bundle", folder, runtime.id(), check=False).stderr, "linux.netDevices.dev0", "as dev5")
        expect(place.ip("address", "show", "dev", "dev0"), ",UP", "192.0.2.1/24", "2001:db8::1/64")
        assert target.names() == {"lo", "dev0", "peer0"}, target.names()
        # nor is it lost where one of all words to the kernel is refused besides, on its way back too
        trace = runtime.folder + "/words"
        for call in ("sendto", "recvfrom"):
            for turn in range(1, 100):
                place.ip("address", "replace", *kept[1].split(), "dev", "dev0")
                tracer = ["strace", "-qq", "-o", trace, "-e", f"trace={call}", "-e", f"inject={call}:error=ENOBUFS:when={turn}"]
                words = [*tracer, place.caller, "--root", runtime.root, "run", "--bundle", folder, runtime.id()]
                done = subprocess.run(words, capture_output=True, text=True, timeout=60)
                assert done.returncode != 0 and "dev0" in place.names(), (call, turn, done)
                assert target.names() == {"lo", "dev0", "peer0"}, (call, turn, done, target.names())
                if "INJECTED" not in open(trace).read():
                    break
            assert 10 < turn < 99, (call, turn)
