#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"

/* The first process of a container waits here between `create` and `start`, with everything done that can be done. Who
 * connects and writes a byte starts it, and is told over the same connection what fails from here on; a caller that goes
 * away without a byte has asked nothing, one that goes away after it has started the container all the same. That the program is
 * executed is told at once, or after the hooks that run before it: these may take their time, and be killed. */
void cl_wait_at_gate(struct cl_child *child) {
    for (;;) {
        char byte;
        ssize_t got;
        int caller = accept4(child->launch->gate, NULL, NULL, SOCK_CLOEXEC);
        if (caller < 0) {
            struct pollfd ready = {.fd = child->launch->gate, .events = POLLIN};
            /* what the machine lacks at this moment it has in another: who only looks must not end who waits */
            int lacks = errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
            if (!lacks && errno != EINTR && errno != EAGAIN && errno != ECONNABORTED) _exit(127);
            poll(&ready, lacks ? 0 : 1, lacks ? 10 : -1);
            continue;
        }
        do got = recv(caller, &byte, 1, 0);
        while (got < 0 && errno == EINTR);
        if (got == 1) {
            struct cl_status status = {.kind = cl_has_hooks(child->plan, CL_HOOK_START) ? CL_STATUS_READY : CL_STATUS_EXECUTING};
            child->control = caller;
            send(caller, &status, sizeof status, MSG_NOSIGNAL);
            return;
        }
        close(caller);
    }
}

/* Behind the filter: with no calls but those that its hooks have needed. */
void cl_tell_starter(const struct cl_child *child) {
    struct cl_status status = {.kind = CL_STATUS_EXECUTING};
    signal(SIGPIPE, SIG_IGN);
    if (write(child->control, &status, sizeof status) < 0) errno = 0; /* it has gone away */
    signal(SIGPIPE, SIG_DFL);
}

void cl_send_descriptor(const struct cl_child *child, uint32_t kind, uint32_t stage, int descriptor) {
    struct cl_status status = {.kind = kind};
    struct iovec part = {&status, sizeof status};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    if (sendmsg(child->control, &message, MSG_NOSIGNAL) < 0) cl_fail(child, stage, 2, errno);
}
