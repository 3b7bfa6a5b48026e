#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmonitor.h"

/* The monitor's messages: one record each over a SOCK_SEQPACKET socket, with descriptors. */

enum { MOST_DESCRIPTORS = 64 };
union rights {
    struct cmsghdr header;
    char space[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
};

int64_t cm_receive(int32_t fd, void *bytes, uint64_t capacity, int32_t *fds, uint32_t fd_capacity, uint32_t *fd_count) {
    union rights rights;
    struct iovec part = {bytes, capacity};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    *fd_count = 0;
    ssize_t got;
    /* A reset is told once, and before the messages that the other end sent. */
    do got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0) return -errno;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at)) {
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
        uint32_t count = (uint32_t)((at->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (uint32_t i = 0; i < count; i++) {
            int one;
            memcpy(&one, CMSG_DATA(at) + i * sizeof(int), sizeof one);
            if (*fd_count < fd_capacity) fds[(*fd_count)++] = one;
            else close(one);
        }
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        while (*fd_count) close(fds[--*fd_count]);
        return -EMSGSIZE;
    }
    return got;
}

int32_t cm_send(int32_t fd, const void *bytes, uint64_t size, const int32_t *fds, uint32_t fd_count) {
    union rights rights;
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > MOST_DESCRIPTORS) return -E2BIG;
    if (fd_count) {
        memset(&rights, 0, sizeof rights);
        rights.header.cmsg_level = SOL_SOCKET;
        rights.header.cmsg_type = SCM_RIGHTS;
        rights.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(&rights.header), fds, fd_count * sizeof(int));
        message.msg_control = &rights;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
    }
    ssize_t sent;
    do sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

void cm_widen(int32_t fd) {
    int size = 1 << 20;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

int32_t cm_waiting(int32_t fd) {
    ssize_t size;
    do size = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    return size < 0 ? -errno : (int32_t)size;
}

int32_t cm_accept(int32_t fd) {
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return -errno;
    cm_widen(client);
    return client;
}
