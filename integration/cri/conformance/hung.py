"""A file system whose server says nothing of its names, though it has read what is asked: then the kernel cannot end who waits."""
import errno
import os
import select
import struct
import threading

from mounts import libc, unmount
from world import expect

LOOKUP, FORGET, GETATTR, INIT, INTERRUPT = 1, 2, 3, 26, 36
NO_SETUID, NO_DEVICES = 2, 4


class HungVolume:
    def __init__(self, w):
        self.path = w.folder()
        self.server = os.open("/dev/fuse", os.O_RDWR)
        self.over = os.pipe()
        options = f"fd={self.server},rootmode=40000,user_id=0,group_id=0".encode()
        expect(libc.mount(b"hung", self.path.encode(), b"fuse", NO_SETUID | NO_DEVICES, options) == 0, "no FUSE")
        self.has_ended = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        w.ends.append(self.end)

    def serve(self):
        while self.over[0] not in select.select([self.server, self.over[0]], [], [])[0]:
            _, operation, unique = struct.unpack_from("<IIQ", os.read(self.server, 1 << 17))
            if operation == INIT:
                self.answer(unique, struct.pack("<6I40x", 7, 31, 0, 0, 0, 4096))
            elif operation == GETATTR:
                # `fuse_attr_out`: for long, number 1 is a directory.
                words = {0: 1 << 20, 4: 1, 19: 0o40755, 20: 2, 24: 4096}
                self.answer(unique, struct.pack("<26I", *(words.get(i, 0) for i in range(26))))
            elif operation not in (LOOKUP, FORGET, INTERRUPT):
                self.answer(unique, b"", -errno.ENOSYS)

    def answer(self, unique, content, error=0):
        os.write(self.server, struct.pack("<IiQ", 16 + len(content), error, unique) + content)

    def end(self):
        """Who waits gets an error."""
        if self.has_ended:
            return
        self.has_ended = True
        os.write(self.over[1], b"x")
        self.thread.join()
        for descriptor in (self.server, *self.over):
            os.close(descriptor)
        unmount(self.path)
