#define _GNU_SOURCE
#include "cspawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

enum { STACK_SIZE = 64 << 10, HOLDER_STACK = 8 << 10, MOST_DESCRIPTORS = 16, PARKED = 700 };

struct report {
    uint32_t stage;
    int32_t code;
    uint32_t index;
};

struct context {
    const struct cs_spawn *spawn;
    int errors;
};

static void __attribute__((noreturn)) fail(const struct context *context, uint32_t stage, uint32_t index) {
    struct report report = {stage, errno, index};
    if (write(context->errors, &report, sizeof report) < 0) _exit(126);
    _exit(127);
}

/* Through numbers that collide with neither the sources nor the targets. */
static void place_descriptors(struct context *context) {
    const struct cs_spawn *spawn = context->spawn;
    int parked[MOST_DESCRIPTORS], executable;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || spawn->descriptor_count > MOST_DESCRIPTORS) fail(context, CL_STAGE_STDIO, 0);
    for (uint32_t i = 0; i < spawn->descriptor_count; i++)
        if ((parked[i] = fcntl(spawn->descriptors[i], F_DUPFD_CLOEXEC, PARKED)) < 0) fail(context, CL_STAGE_STDIO, 1 + i);
    int errors = fcntl(context->errors, F_DUPFD_CLOEXEC, PARKED);
    if (errors < 0 || (executable = fcntl(spawn->executable, F_DUPFD_CLOEXEC, PARKED)) < 0)
        fail(context, CL_STAGE_STDIO, 0);
    context->errors = errors;
    if (dup2(spawn->error_output >= 0 ? spawn->error_output : null, 2) < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
        fail(context, CL_STAGE_STDIO, 0);
    for (uint32_t i = 0; i < spawn->descriptor_count; i++)
        if (dup2(parked[i], (int)(3 + i)) < 0) fail(context, CL_STAGE_STDIO, 1 + i);
    if (close_range(3 + spawn->descriptor_count, ~0u, CLOSE_RANGE_CLOEXEC) < 0) fail(context, CL_STAGE_DESCRIPTORS, 0);
    execveat(executable, "", spawn->argv, spawn->envp, AT_EMPTY_PATH);
    fail(context, CL_STAGE_EXEC, 0);
}

static int write_parameter(int root, const char *name, const char *value) {
    int file = openat(root, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t wrote = file < 0 ? -1 : write(file, value, strlen(value));
    int code = errno;
    if (file >= 0) close(file);
    errno = code;
    return wrote < 0 ? -1 : 0;
}

/* Some parameters are the namespace's root's alone. A change of user makes the memory that we share with the caller undumpable. */
static int write_as_owner(const struct cs_spawn *spawn, int root, const char *name, const char *value) {
    int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    if (syscall(SYS_setresuid, -1, spawn->first_user, -1) < 0) return -1;
    int done = write_parameter(root, name, value), code = errno;
    if (syscall(SYS_setresuid, -1, 0, -1) < 0 || prctl(PR_SET_DUMPABLE, dumpable == 1, 0, 0, 0) < 0) return -1;
    errno = code;
    return done;
}

static void set_parameter(const struct context *context, uint32_t index) {
    const struct cs_spawn *spawn = context->spawn;
    const char *name = spawn->parameter_names[index], *value = spawn->parameter_values[index];
    int root = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int done = root < 0 ? -1 : write_parameter(root, name, value);
    if (done < 0 && errno == EACCES && spawn->uid_map) done = write_as_owner(spawn, root, name, value);
    if (done < 0) fail(context, CL_STAGE_KERNEL_PARAMETER, index);
    close(root);
}

static uint64_t namespace_flags(uint32_t namespaces) {
    uint64_t flags = 0;
    if (namespaces & CS_NEW_NETWORK) flags |= CLONE_NEWNET;
    if (namespaces & CS_NEW_IPC) flags |= CLONE_NEWIPC;
    if (namespaces & CS_NEW_UTS) flags |= CLONE_NEWUTS;
    return flags;
}

/* Holds new namespaces until they are joined, in its maker's memory and beside it: a call that fails would change its maker's errno. */
static void __attribute__((noreturn)) hold(void *maker) {
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (syscall(SYS_getppid) != (intptr_t)maker) syscall(SYS_exit, 1);
    for (;;) syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

/* A file of a process in /proc, by a name with a slash before it. */
static int open_of(pid_t pid, const char *name, int flags) {
    char path[48] = "/proc/", digits[12];
    size_t length = strlen(path), count = 0;
    do digits[count++] = (char)('0' + pid % 10);
    while (pid /= 10);
    while (count) path[length++] = digits[--count];
    strcpy(path + length, name);
    return open(path, flags | O_CLOEXEC);
}

static int write_map(pid_t pid, const char *name, const char *text) {
    int file = open_of(pid, name, O_WRONLY);
    ssize_t wrote = file < 0 ? -1 : write(file, text, strlen(text));
    int code = errno;
    if (file >= 0) close(file);
    errno = code;
    return wrote < 0 ? -1 : 0;
}

static void end_holder(pid_t pid, int pidfd) {
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    close(pidfd);
}

/* A process in a new user namespace, which owns the other new ones; its pid, or -1. To be ended by the caller. */
static pid_t start_holder(const char *uid_map, const char *gid_map, uint64_t namespaces, char *stack, size_t size, int *pidfd, uint32_t *stage) {
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_PIDFD | CLONE_NEWUSER | namespaces,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = size,
    };
    *stage = CL_STAGE_NAMESPACES;
    long pid = cl_clone_onto(&args, sizeof args, hold, (void *)(intptr_t)getpid());
    if (pid < 0) return errno = (int)-pid, -1;
    *stage = CL_STAGE_ID_MAP;
    if (write_map((pid_t)pid, "/uid_map", uid_map) == 0 && write_map((pid_t)pid, "/gid_map", gid_map) == 0) return (pid_t)pid;
    int code = errno;
    end_holder((pid_t)pid, *pidfd);
    return errno = code, -1;
}

/* We stay who we are, so that we can mount and map for the pod, in namespaces that are its. */
static void join_owned(const struct context *context) {
    const struct cs_spawn *spawn = context->spawn;
    char stack[HOLDER_STACK] __attribute__((aligned(16)));
    uint64_t namespaces = namespace_flags(spawn->namespaces);
    uint32_t stage;
    int pidfd = -1;
    pid_t pid = start_holder(spawn->uid_map, spawn->gid_map, namespaces, stack, sizeof stack, &pidfd, &stage);
    if (pid < 0) fail(context, stage, 0);
    int done = setns(pidfd, (int)namespaces), code = errno;
    end_holder(pid, pidfd);
    errno = code;
    if (done < 0) fail(context, CL_STAGE_JOIN, 0);
}

/* In the caller's memory, on a stack of its own: no allocation, no lock, nothing that another thread could hold. */
static void __attribute__((noreturn, used)) child(void *argument) {
    struct context *context = argument;
    const struct cs_spawn *spawn = context->spawn;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < 65; number++) sigaction(number, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (setsid() < 0 || chdir("/") < 0) fail(context, CL_STAGE_SIGNALS, 0);
    /* a pod's processes are not to have that of whoever started the daemon: those that begin in the pod take theirs from here */
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM) fail(context, CL_STAGE_KEYRING, 0);
    if (spawn->uid_map) join_owned(context);
    if (spawn->hostname && sethostname(spawn->hostname, strlen(spawn->hostname)) < 0)
        fail(context, CL_STAGE_HOSTNAME, 0);
    for (uint32_t i = 0; i < spawn->parameter_count; i++) set_parameter(context, i);
    place_descriptors(context);
    _exit(127);
}

static long clone_child(const struct cs_spawn *spawn, struct context *context, int32_t *pidfd) {
    void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -errno;
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP | (spawn->uid_map ? 0 : namespace_flags(spawn->namespaces)),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = STACK_SIZE,
        .cgroup = (uint64_t)spawn->cgroup,
    };
    sigset_t everything, before;
    sigfillset(&everything);
    pthread_sigmask(SIG_BLOCK, &everything, &before);
    long pid = cl_clone_onto(&args, sizeof args, child, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, STACK_SIZE);
    return pid;
}

int32_t cs_spawn(const struct cs_spawn *spawn, int32_t *pidfd, uint32_t *stage, uint32_t *index) {
    int ends[2];
    *stage = CL_STAGE_STDIO;
    *index = 0;
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    struct context context = {spawn, ends[1]};
    *stage = CL_STAGE_CLONE;
    long pid = clone_child(spawn, &context, pidfd);
    close(ends[1]);
    struct report report;
    ssize_t got = 0;
    if (pid > 0) {
        do got = read(ends[0], &report, sizeof report);
        while (got < 0 && errno == EINTR);
    }
    close(ends[0]);
    if (pid <= 0 || got != sizeof report) return (int32_t)pid;
    siginfo_t info;
    waitid(P_PIDFD, (id_t)*pidfd, &info, WEXITED);
    close(*pidfd);
    *stage = report.stage;
    *index = report.index;
    return -report.code;
}

int32_t cs_user_namespace(const char *uid_map, const char *gid_map) {
    char stack[HOLDER_STACK] __attribute__((aligned(16)));
    uint32_t stage;
    int pidfd = -1;
    pid_t pid = start_holder(uid_map, gid_map, 0, stack, sizeof stack, &pidfd, &stage);
    if (pid < 0) return -errno;
    int user = open_of(pid, "/ns/user", O_RDONLY);
    int code = user < 0 ? errno : 0;
    end_holder(pid, pidfd);
    return code ? -code : user;
}

int32_t cs_maps_ids(int32_t directory) {
    static const char map[] = "0 65536 65536\n";
    int user = cs_user_namespace(map, map), code = 0;
    if (user < 0) return user;
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    int tree = directory < 0 ? cl_new_mount("tmpfs", NULL, 0, 0, NULL) : open_tree(directory, "", flags);
    if (tree < 0 || cl_map_ids(tree, user) < 0) code = errno;
    if (tree >= 0) close(tree);
    close(user);
    return -code;
}
