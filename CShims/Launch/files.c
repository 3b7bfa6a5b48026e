#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "cspawn.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static int32_t sealed(int fd, int code) {
    if (code == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) code = -errno;
    if (code == 0) return fd;
    close(fd);
    return code;
}

int32_t cs_memory_copy(int32_t file, const char *name) {
    struct stat status;
    if (fstat(file, &status) < 0) return -errno;
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -errno;
    off_t offset = 0;
    while (offset < status.st_size) {
        ssize_t moved = sendfile(fd, file, &offset, (size_t)(status.st_size - offset));
        if (moved < 0 && errno != EINTR) return sealed(fd, -errno);
        if (moved == 0) return sealed(fd, -EIO);
    }
    return sealed(fd, 0);
}

int32_t cs_memory_file(const void *bytes, uint64_t size, const char *name) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -errno;
    for (uint64_t done = 0; done < size;) {
        ssize_t wrote = write(fd, (const char *)bytes + done, size - done);
        if (wrote < 0 && errno != EINTR) return sealed(fd, -errno);
        if (wrote > 0) done += (uint64_t)wrote;
    }
    return sealed(fd, 0);
}

/* By the directory's descriptor, since a socket's address holds 107 bytes and a path may be longer. */
static int address(struct sockaddr_un *to, int32_t directory, const char *name) {
    memset(to, 0, sizeof *to);
    to->sun_family = AF_UNIX;
    int length = snprintf(to->sun_path, sizeof to->sun_path, "/proc/self/fd/%d/%s", directory, name);
    return length > 0 && (size_t)length < sizeof to->sun_path ? 0 : -ENAMETOOLONG;
}

static int32_t message_socket(int extra) {
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | extra, 0);
    return fd < 0 ? -errno : fd;
}

int32_t cs_listen(int32_t directory, const char *name) {
    struct sockaddr_un to;
    int code = address(&to, directory, name);
    if (code) return code;
    int fd = message_socket(SOCK_NONBLOCK);
    if (fd < 0) return fd;
    if (unlinkat(directory, name, 0) < 0 && errno != ENOENT) code = -errno;
    /* the inode takes its mode from the socket's own at bind: never a moment open to others */
    if (!code && fchmod(fd, 0600) < 0) code = -errno;
    if (!code && bind(fd, (struct sockaddr *)&to, sizeof to) < 0) code = -errno;
    if (!code && fchmodat(directory, name, 0600, 0) < 0) code = -errno;
    /* who looks whether somebody listens is not turned away for those that looked before */
    if (!code && listen(fd, SOMAXCONN) < 0) code = -errno;
    if (!code) return fd;
    close(fd);
    return code;
}

int32_t cs_connect(int32_t directory, const char *name) {
    struct sockaddr_un to;
    int code = address(&to, directory, name);
    if (code) return code;
    int fd = message_socket(SOCK_NONBLOCK);
    if (fd < 0) return fd;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
    code = -errno;
    close(fd);
    return code;
}

int32_t cs_pidfd_open(int32_t pid) {
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
}

int32_t cs_pidfd_signal(int32_t pidfd, int32_t number) {
    return syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) < 0 ? -errno : 0;
}
