#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cruntime.h"

enum { NOT_RUN = 255 };

/* Says why. */
static void __attribute__((noreturn)) give_up(int errors) {
    const char *text = strerror(errno);
    if (write(errors, text, strlen(text)) < 0) _exit(NOT_RUN);
    _exit(NOT_RUN);
}

/* Ends with its parent. A change of user or rights clears this, so it comes last; who has been orphaned before has another parent. */
static void end_with(pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) _exit(NOT_RUN);
}

static void __attribute__((noreturn)) become(const struct crt_hook *hook, int input, int errors, pid_t parent) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL); /* which a daemon ignores */
    if (null < 0) null = errors;
    if (dup2(input, 0) < 0 || dup2(null, 1) < 0 || dup2(errors, 2) < 0) _exit(NOT_RUN);
    /* before the execve, which could be led out of the container by one of them */
    close_range(3, ~0u, 0);
    if (hook->directory && chdir(hook->directory) < 0 && chdir("/") < 0) _exit(NOT_RUN);
    end_with(parent);
    execve(hook->path, hook->argv, hook->envp ? hook->envp : environ);
    give_up(2);
}

/* As the host's root it could write, in the container, to what is that one's: kernel parameters among it. */
static int become_root(const struct crt_hook *hook) {
    uint32_t uid = hook->uid, gid = hook->gid;
    /* the caller's further groups are the host's; a namespace that may set none says EPERM */
    if (syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM) return -1;
    if (syscall(SYS_setresgid, 0, 0, 0) < 0 && syscall(SYS_setresgid, gid, gid, gid) < 0) return -1;
    return syscall(SYS_setresuid, 0, 0, 0) < 0 && syscall(SYS_setresuid, uid, uid, uid) < 0 ? -1 : 0;
}

/* Into the container's namespaces; its pid namespace holds for children alone, so there is one more. */
static void __attribute__((noreturn)) become_within(const struct crt_hook *hook, int input, int errors, pid_t parent) {
    int status;
    /* the caller's keyring is not for the container's own programs either */
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM) give_up(errors);
    if (setns(hook->pidfd, (int)hook->kinds) < 0) give_up(errors);
    if (hook->kinds & CLONE_NEWUSER && become_root(hook) < 0) give_up(errors);
    if (!(hook->kinds & CLONE_NEWPID)) become(hook, input, errors, parent);
    end_with(parent);
    /* who may trace in the container sees it from its first moment */
    if (dup2(input, 0) < 0 || dup2(errors, 1) < 0 || dup2(errors, 2) < 0) _exit(NOT_RUN);
    close_range(3, ~0u, 0);
    pid_t pid = fork();
    if (pid == 0) become(hook, 0, 2, 0); /* from there its parent has no number */
    if (pid < 0 || waitpid(pid, &status, 0) != pid) _exit(NOT_RUN);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Takes what there is to read; 0 at the end. What has no room is passed over. */
static ssize_t take(int errors, char *text, uint64_t capacity, uint64_t *length) {
    char spare[512];
    int keeps = *length + 1 < capacity;
    ssize_t got = read(errors, keeps ? text + *length : spare, keeps ? capacity - *length - 1 : sizeof spare);
    if (got > 0 && keeps) text[*length += (uint64_t)got] = 0;
    return got;
}

/* Collects what it writes until it ends or its time is over; 0 or -errno. What it leaves running may write on: nobody waits for that. */
static int attend(const struct crt_hook *hook, int pidfd, int errors, char *text, uint64_t capacity) {
    int64_t end = hook->milliseconds < 0 ? -1 : now() + hook->milliseconds;
    uint64_t length = 0;
    struct pollfd watched[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = errors, .events = POLLIN}};
    for (;;) {
        int64_t left = end < 0 ? -1 : end - now();
        if (end >= 0 && left <= 0) return -ETIMEDOUT;
        int ready = poll(watched, 2, (int)left);
        if (ready < 0 && errno != EINTR) return -errno;
        if (ready > 0 && watched[0].revents) {
            fcntl(errors, F_SETFL, O_RDONLY | O_NONBLOCK);
            while (length + 1 < capacity && take(errors, text, capacity, &length) > 0) continue;
            return 0;
        }
        if (ready > 0 && watched[1].revents && take(errors, text, capacity, &length) <= 0) watched[1].fd = -1;
    }
}

/* Behind a filter clone3 is mostly not to be had. */
static pid_t clone_hook(const struct crt_hook *hook, int *pidfd) {
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)hook->cgroup,
    };
    if (hook->cgroup < 0) return (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, pidfd, 0, 0);
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

/* Its pid, or -errno. */
static int start(const struct crt_hook *hook, const int input[2], const int errors[2], int *pidfd) {
    pid_t self = getpid(), pid = clone_hook(hook, pidfd);
    if (pid < 0) return -errno;
    if (pid > 0) return pid;
    close(input[1]); /* or it would never read the end */
    if (hook->pidfd >= 0 && hook->kinds) become_within(hook, input[0], errors[1], self);
    become(hook, input[0], errors[1], self);
}

/* Milliseconds that a hook has to be gone once it is killed. */
enum { END_PATIENCE = 5000 };

/* Behind a filter one of the two ways may not be had; what hangs in the kernel is not waited for longer than END_PATIENCE: 0 then. */
static int end_hook(int pidfd, pid_t pid) {
    siginfo_t info = {0};
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    int64_t end = now() + END_PATIENCE;
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0) kill(pid, SIGKILL);
    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) == 0 && !info.si_pid) {
        int64_t left = end - now();
        if (left <= 0 || (poll(&ended, 1, (int)left) < 0 && errno != EINTR)) return 0;
    }
    return 1;
}

int32_t crt_run_hook(const struct crt_hook *hook, char *text, uint64_t capacity) {
    int input[2], errors[2], pidfd = -1, status = 0;
    pid_t pid = -1;
    if (capacity) text[0] = 0;
    if (pipe2(input, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
    if (pipe2(errors, O_CLOEXEC) < 0) {
        status = -errno;
        close(input[0]);
        close(input[1]);
        return status;
    }
    fcntl(input[0], F_SETFL, O_RDONLY);
    /* what does not fit into the pipe, or is not read, is the hook's loss */
    if (hook->input_size && write(input[1], hook->input, hook->input_size) < 0) status = -errno;
    if (!status) pid = start(hook, input, errors, &pidfd);
    if (!status && pid < 0) status = pid;
    close(input[0]);
    close(input[1]);
    close(errors[1]);
    if (!status) status = attend(hook, pidfd, errors[0], text, capacity);
    close(errors[0]);
    if (pidfd < 0) return status;
    siginfo_t info = {0};
    if (!status) waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);
    else if (!end_hook(pidfd, pid) && hook->left) {
        *hook->left = pidfd;
        return status;
    }
    close(pidfd);
    if (status) return status;
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
