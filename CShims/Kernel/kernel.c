#define _GNU_SOURCE
#include "ckernel.h"

#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <unistd.h>

int32_t ck_is_cgroup2(const char *path) {
    struct statfs filesystem;
    return statfs(path, &filesystem) == 0 && filesystem.f_type == CGROUP2_SUPER_MAGIC;
}

void ck_error_text(int32_t code, char *text, uint64_t size) {
    if (size == 0) return;
    const char *found = strerror_r(code, text, size);
    if (found != text) {
        strncpy(text, found, size - 1);
        text[size - 1] = 0;
    }
}

int32_t ck_epoll_create(void) {
    int32_t fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int32_t ck_epoll_watch(int32_t poll, int32_t fd, uint32_t interest, uint64_t token) {
    struct epoll_event event = {.data.u64 = token};
    if (interest & CK_READABLE) event.events |= EPOLLIN | EPOLLRDHUP;
    if (interest & CK_WRITABLE) event.events |= EPOLLOUT;
    if (interest & CK_PRIORITY) event.events |= EPOLLPRI;
    if (interest & CK_ONCE) event.events |= EPOLLONESHOT;
    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
    if (errno == EEXIST && (interest & CK_ONCE) && epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
    return -errno;
}

void ck_epoll_forget(int32_t poll, int32_t fd) {
    epoll_ctl(poll, EPOLL_CTL_DEL, fd, 0);
}

int32_t ck_epoll_wait(int32_t poll, uint64_t *tokens, int32_t capacity) {
    struct epoll_event events[64];
    if (capacity > 64) capacity = 64;
    int32_t count = epoll_wait(poll, events, capacity, -1);
    if (count < 0) return -errno;
    for (int32_t i = 0; i < count; i++) tokens[i] = events[i].data.u64;
    return count;
}

_Static_assert(sizeof(struct signalfd_siginfo) == CK_SIGNAL_BYTES, "signalfd record");

int32_t ck_termination_signals(void) {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    int32_t fd = signalfd(-1, &mask, SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int32_t ck_clock_watch(void) {
    int32_t fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0) return -errno;
    int32_t code = ck_clock_rearm(fd);
    if (code == 0) return fd;
    close(fd);
    return code;
}

int32_t ck_clock_rearm(int32_t fd) {
    uint64_t expirations;
    int32_t changed = read(fd, &expirations, sizeof expirations) < 0 && errno == ECANCELED;
    /* Far beyond what any clock shows: only a change of the clock ends the wait. */
    struct itimerspec never = {.it_value.tv_sec = (time_t)1 << 40};
    if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0) return -errno;
    return changed;
}

int32_t ck_spawn_closing(posix_spawn_file_actions_t *actions, int32_t first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}
