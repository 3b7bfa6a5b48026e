#define _GNU_SOURCE
#include "cmonitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

void cm_harden(void) {
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "swiftlet-podmon", 0, 0, 0);
    const int deaf[] = {SIGPIPE, SIGINT, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof deaf / sizeof deaf[0]; i++) signal(deaf[i], SIG_IGN);
}

int32_t cm_watch_end(void) {
    sigset_t polite;
    sigemptyset(&polite);
    sigaddset(&polite, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &polite, NULL) < 0) return -errno;
    int fd = signalfd(-1, &polite, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

#ifdef DEBUG
void cm_hold(const uint8_t *place, uint64_t size) {
    static int has_held;
    const char *wanted = getenv("SWIFTLET_HOLD");
    if (has_held || !wanted || strlen(wanted) != size || memcmp(wanted, place, size)) return;
    has_held = 1;
    raise(SIGSTOP);
}
#endif

void cm_exit(int32_t code) { _exit(code); }
int32_t cm_process_id(void) { return getpid(); }

int32_t cm_own_pid_namespace(void) {
    int fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static uint64_t clock_of(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
uint64_t cm_wall_clock(void) { return clock_of(CLOCK_REALTIME); }
uint64_t cm_monotonic_clock(void) { return clock_of(CLOCK_MONOTONIC); }

int32_t cm_poll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

#ifdef DEBUG
static int is_refused(uint64_t token) {
    static int has_refused;
    const char *wanted = getenv("SWIFTLET_REFUSE");
    if (has_refused || !wanted || (uint64_t)atoi(wanted) != token >> 32) return 0;
    return has_refused = 1;
}
#endif

static int32_t add(int32_t poll, int32_t fd, uint64_t token, uint32_t events) {
#ifdef DEBUG
    if (is_refused(token)) return -ENOSPC;
#endif
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int32_t cm_poll_add(int32_t poll, int32_t fd, uint64_t token) { return add(poll, fd, token, EPOLLIN); }

int32_t cm_poll_add_end(int32_t poll, int32_t pidfd, uint64_t token) { return add(poll, pidfd, token, EPOLLIN | EPOLLET); }

void cm_poll_remove(int32_t poll, int32_t fd) { epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL); }

int32_t cm_poll_wait(int32_t poll, uint64_t *token, int32_t milliseconds) {
    struct epoll_event event;
    int count = epoll_wait(poll, &event, 1, milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    if (count == 1) *token = event.data.u64;
    return count;
}

void cm_close(int32_t fd) {
    if (fd >= 0) close(fd);
}

int32_t cm_pipe(int32_t *read_end, int32_t *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int32_t cm_open_null(void) {
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int32_t cm_open_directory(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int32_t cm_open_beneath(int32_t directory, const void *path) {
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    return fd < 0 ? -errno : (int32_t)fd;
}

int64_t cm_read_groups(int32_t pid, void *text, uint64_t capacity) {
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
    return cm_read_file(AT_FDCWD, path, text, capacity);
}

void cm_set_nonblocking(int32_t fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int64_t cm_read(int32_t fd, void *bytes, uint64_t capacity) {
    ssize_t got;
    do got = read(fd, bytes, capacity);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

int64_t cm_write(int32_t fd, const void *bytes, uint64_t size) {
    ssize_t wrote;
    do wrote = write(fd, bytes, size);
    while (wrote < 0 && errno == EINTR);
    return wrote < 0 ? -errno : wrote;
}

const void *cm_map(int32_t fd, uint64_t *size) {
    struct stat status;
    const int needed = F_SEAL_SHRINK | F_SEAL_WRITE;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & needed) != needed || fstat(fd, &status) < 0 || status.st_size <= 0) return NULL;
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    *size = (uint64_t)status.st_size;
    return bytes == MAP_FAILED ? NULL : bytes;
}

int32_t cm_wait_writable(int32_t fd, int32_t milliseconds) {
    struct pollfd end = {.fd = fd, .events = POLLOUT};
    int ready;
    do ready = poll(&end, 1, milliseconds);
    while (ready < 0 && errno == EINTR);
    return ready == 1 && !(end.revents & (POLLERR | POLLNVAL));
}

void cm_unmap(const void *bytes, uint64_t size) { munmap((void *)bytes, size); }

int32_t cm_signal(int32_t pidfd, int32_t number) {
    return syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) < 0 ? -errno : 0;
}

int32_t cm_write_file(int32_t directory, const char *name, const char *text) {
    int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int32_t code = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return code;
}

int64_t cm_read_file(int32_t directory, const char *name, char *text, uint64_t capacity) {
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int64_t got = cm_read(fd, text, capacity);
    close(fd);
    return got;
}

int32_t cm_resize(int32_t terminal, uint16_t columns, uint16_t rows) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(terminal, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int32_t cm_open_log(const char *path, uint64_t *size) {
    struct stat status;
    char name[32];
    /* a pod with the logs' directory as its volume may have put a pipe or a device of the host's in its place, which is not even opened */
    int found = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -1;
    if (found < 0 && errno == ENOENT) found = fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    if (found < 0 && errno == EEXIST) found = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC); /* laid there meanwhile */
    if (found < 0) return -errno;
    int code = fstat(found, &status) < 0 ? errno : S_ISREG(status.st_mode) ? 0 : EINVAL;
    snprintf(name, sizeof name, "/proc/self/fd/%d", found);
    if (!code && fd < 0 && (fd = open(name, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) < 0) code = errno;
    if (code || fd != found) close(found);
    *size = (uint64_t)status.st_size;
    return code ? -code : fd;
}

int32_t cm_rename(const char *from, const char *to) { return rename(from, to) < 0 ? -errno : 0; }

void cm_collect(int32_t pid, int32_t milliseconds) {
    int handle = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (handle < 0) return;
    struct pollfd ended = {.fd = handle, .events = POLLIN};
    if (poll(&ended, 1, milliseconds) != 1) syscall(SYS_pidfd_send_signal, handle, SIGKILL, NULL, 0);
    close(handle);
    waitpid(pid, NULL, 0);
}

int32_t cm_collect_ended(int32_t pid) { return waitpid(pid, NULL, WNOHANG) != 0; }

int32_t cm_fork_writer(int32_t *socket) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
    pid_t pid = fork();
    if (pid < 0) {
        int code = errno;
        close(ends[0]);
        close(ends[1]);
        return -code;
    }
    if (pid == 0) {
        int own = fcntl(ends[1], F_DUPFD_CLOEXEC, 512);
        if (own < 0 || dup3(own, 3, O_CLOEXEC) < 0 || close_range(4, ~0u, 0) < 0) _exit(1);
        prctl(PR_SET_NAME, "swiftlet-podlog", 0, 0, 0);
        *socket = 3; /* its end of file is the writer's sign to end */
        return 0;
    }
    close(ends[1]);
    cm_widen(ends[0]);
    *socket = ends[0];
    return pid;
}
