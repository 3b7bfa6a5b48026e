#define _GNU_SOURCE
#include "cspawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cplan.h"

enum { STACK_SIZE = 64 << 10, MOST_DESCRIPTORS = 16, PARKED = 700 };

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

static void set_parameter(const struct context *context, uint32_t index) {
    const char *name = context->spawn->parameter_names[index], *value = context->spawn->parameter_values[index];
    int root = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) fail(context, CL_STAGE_KERNEL_PARAMETER, index);
    int file = openat(root, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0 || write(file, value, strlen(value)) < 0) fail(context, CL_STAGE_KERNEL_PARAMETER, index);
    close(file);
    close(root);
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
    if (spawn->hostname && sethostname(spawn->hostname, strlen(spawn->hostname)) < 0)
        fail(context, CL_STAGE_HOSTNAME, 0);
    for (uint32_t i = 0; i < spawn->parameter_count; i++) set_parameter(context, i);
    place_descriptors(context);
    _exit(127);
}

/* clone3 onto another stack: the child must not return through the parent's frames. */
static long clone_onto(struct clone_args *args, size_t size, void *argument) {
    long result;
#if defined(__x86_64__)
    register void *kept __asm__("r13") = argument;
    register void (*entry)(void *) __asm__("r12") = child;
    __asm__ volatile(
        "syscall\n\ttestq %%rax, %%rax\n\tjnz 1f\n\t"
        "xorl %%ebp, %%ebp\n\tmovq %%r13, %%rdi\n\tandq $-16, %%rsp\n\tcallq *%%r12\n\thlt\n1:"
        : "=a"(result)
        : "a"((long)SYS_clone3), "D"(args), "S"(size), "r"(kept), "r"(entry)
        : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_clone3;
    register void *first __asm__("x0") = args;
    register size_t second __asm__("x1") = size;
    register void *kept __asm__("x20") = argument;
    register void (*entry)(void *) __asm__("x21") = child;
    __asm__ volatile("svc #0\n\tcbnz x0, 1f\n\tmov x29, xzr\n\tmov x0, x20\n\tblr x21\n\tbrk #1\n1:"
                     : "+r"(first)
                     : "r"(number), "r"(second), "r"(kept), "r"(entry)
                     : "memory", "cc", "x30");
    result = (long)first;
#else
#error "clone3 with shared memory is written for x86_64 and arm64"
#endif
    return result;
}

static uint64_t clone_flags(uint32_t namespaces) {
    uint64_t flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP;
    if (namespaces & CS_NEW_NETWORK) flags |= CLONE_NEWNET;
    if (namespaces & CS_NEW_IPC) flags |= CLONE_NEWIPC;
    if (namespaces & CS_NEW_UTS) flags |= CLONE_NEWUTS;
    return flags;
}

static long clone_child(const struct cs_spawn *spawn, struct context *context, int32_t *pidfd) {
    void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -errno;
    struct clone_args args = {
        .flags = clone_flags(spawn->namespaces),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = STACK_SIZE,
        .cgroup = (uint64_t)spawn->cgroup,
    };
    sigset_t everything, before;
    sigfillset(&everything);
    pthread_sigmask(SIG_BLOCK, &everything, &before);
    long pid = clone_onto(&args, sizeof args, context);
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
