#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

/* By write, which every seccomp profile allows. */
static void tell(const struct cl_child *child, const void *status, size_t size) {
    ssize_t sent;
    do sent = write(child->control, status, size);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) _exit(127); /* nobody is there to wait for us */
}

static void tell_saying(const struct cl_child *child, struct cl_status status, const char *said) {
    struct {
        struct cl_status status;
        char said[CL_WORDS];
    } message = {.status = status};
    size_t length = strnlen(said, CL_WORDS);
    memcpy(message.said, said, length);
    tell(child, &message, sizeof status + length);
}

void cl_fail_saying(const struct cl_child *child, uint32_t stage, uint32_t index, int code, const char *said) {
    tell_saying(child, (struct cl_status){CL_STATUS_ERROR, stage, code, index}, said);
    _exit(127);
}

void cl_warn_saying(const struct cl_child *child, uint32_t stage, uint32_t index, int code, const char *said) {
    tell_saying(child, (struct cl_status){CL_STATUS_WARNING, stage, code, index}, said);
}

void cl_fail(const struct cl_child *child, uint32_t stage, uint32_t index, int code) {
    cl_fail_saying(child, stage, index, code, "");
}

void cl_warn(const struct cl_child *child, uint32_t stage, uint32_t index, int code) {
    cl_warn_saying(child, stage, index, code, "");
}

void cl_tell(const struct cl_child *child, uint32_t kind) {
    struct cl_status status = {.kind = kind};
    tell(child, &status, sizeof status);
}

static void reset_signals(void) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < 65; number++) sigaction(number, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Through the host's /proc, before it goes out of sight. */
void cl_set_oom_score(const struct cl_child *child) {
    char text[16];
    if (!child->has_oom_score) return;
    int length = snprintf(text, sizeof text, "%d", child->oom_score);
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, text, (size_t)length) < 0) {
        if (errno != EACCES && errno != EPERM) cl_fail(child, CL_STAGE_OOM_SCORE, 0, errno);
        cl_warn(child, CL_STAGE_OOM_SCORE, 0, errno);
    }
    if (file >= 0) close(file);
}

/* What surrounds a container of the runtime specification, after its mounts. */
static void finish_container(struct cl_child *child) {
    if (!(child->plan->flags & CL_PLAN_EXPLICIT)) return;
    cl_make_nodes(child);
    cl_finish_filesystems(child);
}

static void enter_container(const struct cl_child *child) {
    const struct cl_launch *launch = child->launch;
    int explicit = child->plan->flags & CL_PLAN_EXPLICIT, kinds = explicit ? (int)launch->join_kinds : CLONE_NEWNS | CLONE_NEWCGROUP;
    if (child->user >= 0) kinds |= CLONE_NEWUSER;
    if (kinds && setns(launch->join_pidfd, kinds) < 0) cl_fail(child, CL_STAGE_JOIN, 0, errno);
    if (explicit && launch->join_root >= 0 && (fchdir(launch->join_root) < 0 || chroot(".") < 0))
        cl_fail(child, CL_STAGE_JOIN, 2, errno);
}

/* Who launches it has a keyring, perhaps a login's with tickets and keys in it, and so have other containers: none of it is to be had inside. While
 * we are still who we are on the host: the kernel counts each user's keys, and the container's processes could use the number of theirs up. Without
 * a name, for which the kernel would look among all others'. Where there are no keyrings, or they are withheld from us and so from all that we start,
 * there is none to be had. */
static void leave_keyring(const struct cl_child *child) {
    if (child->plan->flags & CL_PLAN_KEEP_KEYRING) return;
    cl_label_keys(child);
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM)
        cl_fail(child, CL_STAGE_KEYRING, 0, errno);
}

void cl_leave_host(struct cl_child *child) {
    int joins = child->launch->join_pidfd >= 0;
    /* in a pod with users of its own who prepared the child has set it; first, for who is in the container's group by now counts there */
    if (child->user < 0 || joins) cl_set_oom_score(child);
    cl_take_streams(child);
    leave_keyring(child);
    cl_label_program(child);
    if (joins) return enter_container(child);
    if (child->plan->flags & CL_PLAN_EXPLICIT) cl_enter_namespaces(child);
    else if (child->user >= 0) cl_become_root(child->plan);
    umask(0);
    cl_enter_root(child);
}

void cl_make_cgroup_namespace(const struct cl_child *child) {
    if (CL_KEEPS(CGROUP_NAMESPACE) && unshare(CLONE_NEWCGROUP) < 0) cl_fail(child, CL_STAGE_NAMESPACES, 0, errno);
}

static void build_container(struct cl_child *child) {
    int explicit = child->plan->flags & CL_PLAN_EXPLICIT;
    if (!child->is_inside) cl_leave_host(child);
    if (!(child->plan->flags & CL_PLAN_HOOKS)) {
        if (!explicit) cl_make_cgroup_namespace(child);
        cl_make_mounts(child);
    }
    finish_container(child);
    if (child->plan->flags & CL_PLAN_TERMINAL) cl_open_terminal(child);
    if (child->plan->flags & CL_PLAN_ROOT_READ_ONLY) cl_make_directory(child);
    cl_cover_paths(child);
    if (explicit) cl_spread_root(child);
}

static void join_container(struct cl_child *child) {
    if (!child->is_inside) cl_leave_host(child);
    if (child->plan->flags & CL_PLAN_BECOME_ROOT || child->user >= 0) cl_become_root(child->plan);
    child->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (child->root < 0) cl_fail(child, CL_STAGE_JOIN, 1, errno);
    if (child->plan->flags & CL_PLAN_TERMINAL) cl_open_terminal(child);
}

/* What is inherited from here on is what the caller has to give, and what is kept. The others are closed now, not by the execve: it looks the program up
 * before it closes any, and a path through /proc/self/fd would lead out by a directory of the host's. A prepared container may wait for
 * long, besides: what others let go must not live on in it, and the monitor's death must show as the end of the control socket. */
void cl_keep_descriptors(const struct cl_child *child, const int *kept, int count) {
    const struct cl_plan *plan = child->plan;
    unsigned first = 3 + (plan->flags & CL_PLAN_EXPLICIT ? plan->preserved : 0);
    for (unsigned at = first;;) {
        unsigned next = ~0u;
        for (int i = 0; i < count; i++)
            if (kept[i] >= 0 && (unsigned)kept[i] >= at && (unsigned)kept[i] < next) next = (unsigned)kept[i];
        if (next > at && close_range(at, next == ~0u ? next : next - 1, 0) < 0) cl_fail(child, CL_STAGE_DESCRIPTORS, 0, errno);
        if (next == ~0u) break;
        at = next + 1;
    }
    if (close_range(first, ~0u, CLOSE_RANGE_CLOEXEC) < 0) cl_fail(child, CL_STAGE_DESCRIPTORS, 0, errno);
}

static void wait_for_go(struct cl_child *child) {
    char byte;
    ssize_t got;
    do got = recv(child->control, &byte, 1, 0);
    while (got < 0 && errno == EINTR);
    if (got != 1 || fcntl(child->control, F_SETFL, O_RDWR | O_NONBLOCK) < 0) _exit(127);
    child->begun = cm_monotonic_clock();
}

/* Whoever asks for the container finds one that is ready, and its program finds that it can be asked for. Not once the caller is gone, with whom its claim
 * on the name has ended: what is there may be another's. */
static void publish(const struct cl_child *child) {
    char byte;
    ssize_t got;
    do got = recv(child->control, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    /* of a caller that has left something of ours unread the kernel says first that the connection is reset */
    if (got == 0 || (got < 0 && errno != EAGAIN)) _exit(127);
    if (renameat(child->launch->record, CRT_UNPUBLISHED, child->launch->record, CRT_RECORD) < 0) cl_fail(child, CL_STAGE_RECORD, 0, errno);
    close(child->launch->record);
}

static const char *search_path(const struct cl_plan *plan) {
    for (uint32_t i = 0; i < plan->envc; i++)
        if (strncmp(plan->envp[i], "PATH=", 5) == 0) return plan->envp[i] + 5;
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* Tries the program along PATH until one attempt is good. 0, or the errno that says most: a file that may not be executed over
 * one that is not there. */
static int along_path(const struct cl_plan *plan, int (*attempt)(const char *, const struct cl_plan *)) {
    char path[4096];
    const char *program = plan->argv[0];
    int code = ENOENT;
    if (!*program) return ENOENT;
    if (strchr(program, '/')) return attempt(program, plan);
    for (const char *at = search_path(plan);;) {
        const char *end = strchrnul(at, ':');
        int length = end == at ? snprintf(path, sizeof path, "./%s", program)
                               : snprintf(path, sizeof path, "%.*s/%s", (int)(end - at), at, program);
        if (length > 0 && (size_t)length < sizeof path) {
            int failure = attempt(path, plan);
            if (failure == 0) return 0;
            if (failure != ENOENT && failure != ENOTDIR) code = failure;
            if (code != ENOENT && code != EACCES) return code;
        }
        if (!*end) return code;
        at = end + 1;
    }
}

static int execute(const char *path, const struct cl_plan *plan) {
    execve(path, plan->argv, plan->envp);
    return errno;
}

/* Whether there is a program: from the root, since the working directory may not be there yet, and whoever will execute it. */
static int look_up(const char *path, const struct cl_plan *plan) {
    struct stat status;
    (void)plan;
    if (*path != '/') return 0;
    /* what we may not see, on a network's or a user's file system, the process's own user may */
    if (stat(path, &status) < 0) return errno == EACCES ? 0 : errno;
    return S_ISREG(status.st_mode) && status.st_mode & 0111 ? 0 : EACCES;
}

/* What is wrong with the program or its limits is the fault of the call that creates the container, by which engines tell it, not of the start. */
static void find_program(const struct cl_child *child) {
    if (!*child->plan->argv[0]) return; /* none is set: it is created all the same */
    int code = along_path(child->plan, look_up);
    if (code == ENOENT || code == ENOTDIR || code == EACCES) cl_fail(child, CL_STAGE_EXEC, 0, code);
}

/* Before anything is waited for in the sight of others. */
static void give_up_early(struct cl_child *child) {
    if (!CL_KEEPS(RIGHTS)) return;
    if (cl_can_give_up_ahead(child->plan)) {
        cl_enter_directory(child);
        cl_give_up_rights(child);
    } else cl_keep_needed_rights(child);
    cl_take_no_more_ahead(child);
}

void cl_get_ready(struct cl_child *child, int told) {
    int is_gated = child->plan->flags & CL_PLAN_GATE, explicit = child->plan->flags & CL_PLAN_EXPLICIT;
    reset_signals();
    if (child->launch->join_pidfd >= 0) join_container(child);
    else build_container(child);
    cl_find_home(child);
    const int kept[] = {child->control, child->root, is_gated ? child->launch->gate : -1, explicit ? child->launch->record : -1, told};
    cl_keep_descriptors(child, kept, sizeof kept / sizeof *kept);
    if (is_gated) {
        find_program(child);
        cl_try_limits(child);
    }
    if (child->is_inside) give_up_early(child);
    child->is_ready = 1;
}

void cl_child_run(struct cl_child *child) {
    int explicit = child->plan->flags & CL_PLAN_EXPLICIT;
    if (CL_KEEPS(PARENT_DEATH) && !explicit && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) cl_fail(child, CL_STAGE_SIGNALS, 0, errno);
    if (setsid() < 0) cl_fail(child, CL_STAGE_SIGNALS, 2, errno);
    if (!child->is_ready && !child->is_inside && child->launch->own_mount >= 0) close(child->launch->own_mount);
    if (!child->is_ready) cl_get_ready(child, -1);
    if (child->plan->flags & CL_PLAN_TERMINAL) cl_take_terminal(child);
    if (!CL_KEEPS(DESCRIPTORS)) fcntl(child->root, F_SETFD, 0);
    if (explicit && child->launch->record >= 0) {
        wait_for_go(child);
        publish(child);
        cl_tell(child, CL_STATUS_READY);
    } else {
        cl_tell(child, CL_STATUS_READY);
        wait_for_go(child);
    }
    if (child->plan->flags & CL_PLAN_GATE) {
        cl_load_filter_early(child);
        cl_wait_at_gate(child);
    }
    if (!child->has_given_up) cl_enter_directory(child);
    cl_drop_privileges(child);
    if (child->plan->hook_count) cl_run_hooks(child, CL_HOOK_START);
    if (!(child->plan->flags & CL_PLAN_GATE)) cl_tell(child, CL_STATUS_EXECUTING);
    else if (cl_has_hooks(child->plan, CL_HOOK_START)) cl_tell_starter(child);
    cl_fail(child, CL_STAGE_EXEC, 0, along_path(child->plan, execute));
}
