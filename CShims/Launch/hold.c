#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cruntime.h"

/* Without a signal at its end, which a caller that watches for its container's would take for that. */
int32_t crt_hold(int32_t *pid) {
    int pidfd = -1;
    pid_t parent = getpid();
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
    };
    long made = syscall(SYS_clone3, &args, sizeof args);
    if (made < 0) return -errno;
    if (made > 0) {
        *pid = (int32_t)made;
        return pidfd;
    }
    sigset_t none;
    sigemptyset(&none);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) _exit(0);
    close_range(0, ~0u, 0);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (;;) pause();
}

void crt_end(int32_t pidfd) {
    siginfo_t info;
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR) continue;
}
