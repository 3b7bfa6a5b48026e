"""A QEMU virtual machine that runs the guest suite: its disks, its console, and the line protocol of its report port."""

import json
import os
import signal
import socket
import subprocess
import time

EMULATED_CPU = "max,la57=off,smap=off,smep=off,-avx,-avx2,-fma,-bmi2,-f16c"


def accelerator(image):
    """`kvm` where this image's kernel truly boots under it within 20 s (a device alone says nothing), else `tcg`, software emulation."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    command = [
        "qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "256", "-M", "q35", "-nodefaults", "-display", "none", "-no-reboot",
        "-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initrd.img", "-append", "console=ttyS0 panic=-1 rdinit=/bin/busybox",
        "-serial", "stdio"]
    probe = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    # busybox without a command ends at once, which panics the kernel, which ends qemu: all that shows a booted kernel.
    try:
        output, _ = probe.communicate(timeout=20)
        return "kvm" if b"Linux version" in output else "tcg"
    except subprocess.TimeoutExpired:
        probe.kill()
        probe.communicate()
        return "tcg"


class MachineError(Exception):
    """What the host could not do with the machine, or that the machine ended without a word."""


class Machine:
    """One virtual machine with a root disk of its own that keeps what is written to it over boots.

    `folder` holds its disk, console and sockets; the caller removes it. `data` gives it a second, empty disk of so many MiB, known to QEMU's
    monitor as `data` and to the guest as /dev/disk/by-id/virtio-data.
    """

    def __init__(self, image, payload, folder, memory=2048, accel="tcg", data=0):
        self.image, self.payload, self.folder, self.memory, self.accel = image, payload, folder, memory, accel
        self.process = None
        self.lines = None
        self.boots = 0
        os.makedirs(folder, exist_ok=True)
        self.disk = os.path.join(folder, "root.qcow2")
        if not os.path.exists(self.disk):
            subprocess.run(
                ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", os.path.join(image, "base.qcow2"), self.disk],
                check=True)
        self.data = os.path.join(folder, "data.raw") if data else None
        if data and not os.path.exists(self.data):
            subprocess.run(["mke2fs", "-q", "-t", "ext4", "-m", "0", self.data, f"{data}M"], check=True)

    @property
    def console(self):
        return os.path.join(self.folder, f"console-{self.boots}.log")

    def start(self, suites, parameters=""):
        """Boots into the suites, named as the guest knows them; `parameters` are further ones of the kernel's."""
        self.boots += 1
        port, monitor, keys = (os.path.join(self.folder, name) for name in ("port", "qmp", "keys"))
        for path in (port, monitor, keys):
            if os.path.exists(path):
                os.unlink(path)
        emulated = self.accel == "tcg"
        command = [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=512" if emulated else "kvm",
            "-cpu", EMULATED_CPU if emulated else "host", "-smp", "2", "-m", str(self.memory), "-M", "q35",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", f"{self.image}/vmlinuz", "-initrd", f"{self.image}/initrd.img",
            "-append",
            "console=ttyS0 quiet loglevel=4 root=/dev/vda rw systemd.unified_cgroup_hierarchy=1 systemd.show_status=auto mitigations=off"
            f" nokaslr random.trust_cpu=1 net.ifnames=0 panic=-1 unknown_nmi_panic=1 sysrq_always_enabled=1 audit=0 tsc=reliable psi=1 vm.suites={','.join(suites)} {parameters}",
            "-drive", f"file={self.disk},format=qcow2,if=none,id=root,cache=writeback",
            "-device", "virtio-blk-pci,drive=root",
            "-drive", f"file={self.payload},format=raw,if=none,id=payload,readonly=on",
            "-device", "virtio-blk-pci,drive=payload,serial=payload",
            "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=port,path={port},server=on,wait=off", "-device", "virtserialport,chardev=port,name=suite",
            "-netdev", "user,id=net,restrict=on", "-device", "virtio-net-pci,netdev=net",
            "-chardev", f"socket,id=console,path={keys},server=on,wait=off,logfile={self.console}", "-serial", "chardev:console", "-qmp", f"unix:{monitor},server=on,wait=off",
        ]
        if self.data:
            command += ["-drive", f"file={self.data},format=raw,if=none,id=data,cache=writeback", "-device", "virtio-blk-pci,drive=data,serial=data"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=open(os.path.join(self.folder, "qemu.log"), "ab"))
        self.port = self._connect(port)
        self.lines = self.port.makefile("r", encoding="utf-8", errors="replace")

    def _connect(self, path):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise MachineError(f"qemu ended with {self.process.returncode}: {self._tail('qemu.log')}")
            try:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(path)
                return connection
            except OSError:
                connection.close()
                time.sleep(0.05)
        raise MachineError("qemu opened no port within 20 s")

    def read_line(self, deadline):
        """The guest's next line, or None when the machine has ended. Raises TimeoutError at the deadline (monotonic seconds)."""
        self.port.settimeout(max(0.1, deadline - time.monotonic()))
        line = self.lines.readline()
        return line.rstrip("\n") if line else None

    def answer(self, text):
        self.port.sendall((text + "\n").encode())

    def monitor(self, command, **arguments):
        """One command to QEMU's monitor; its return value."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(os.path.join(self.folder, "qmp"))
            stream = connection.makefile("rw")
            stream.readline()
            for name, values in (("qmp_capabilities", {}), (command, arguments)):
                stream.write(json.dumps({"execute": name, "arguments": values}) + "\n")
                stream.flush()
                reply = json.loads(stream.readline())
                while "event" in reply:
                    reply = json.loads(stream.readline())
                if "error" in reply:
                    raise MachineError(f"QEMU's monitor refused {name}: {reply['error']['desc']}")
            return reply["return"]

    def wait(self, seconds):
        """Waits for the machine's own end."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise MachineError(f"the machine did not end within {seconds} s; its console ends with\n{self.console_tail()}") from error
        self.cut_power()

    def cut_power(self):
        """Ends the machine as a power cut does: nothing in its memory is written any more."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self.lines:
            self.lines.close()
            self.port.close()
            self.lines = None

    def last_words(self):
        """What a machine that does not go on can still say: its kernel is asked what runs and what waits, and ended by an interrupt."""
        try:
            state = self.monitor("query-status")["status"]
            with socket.socket(socket.AF_UNIX) as keys:
                keys.connect(os.path.join(self.folder, "keys"))
                for key in (b"9", b"l", b"w"):
                    self.monitor("chardev-send-break", id="console")
                    keys.sendall(key)
                    time.sleep(2)
            self.monitor("inject-nmi")
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            state += ", deaf to an interrupt"
        except (OSError, MachineError, ValueError) as error:
            state = f"no answer from its monitor: {error}"
        return f"QEMU: {state}; the console ends with\n{self.console_tail(150)}"

    def console_tail(self, lines=40):
        return self._tail(os.path.basename(self.console), lines)

    def _tail(self, name, lines=40):
        try:
            with open(os.path.join(self.folder, name), errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""
