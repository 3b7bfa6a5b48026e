#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cruntime.h"
#include "first.h"

/* A network namespace, with its loopback link and hundreds of parameters, takes the kernel half a millisecond, longer than all
 * the others together. A thread, which alone is in it, has it made while the caller goes on: from the first instructions on
 * where these can see that one will be wanted, so that it is ready before the libraries and the plan are (0.2 ms of a `create`),
 * else as soon as the caller knows.
 *
 * Not one of the C library's threads, which is not up yet: it uses raw system calls and a stack of its own. It opens nothing,
 * because a number that the caller takes for an inherited descriptor's could become its own. Signals it leaves to the others. */

FIRST_INSTRUCTIONS_BEGIN

enum { STACK = 8 << 10, LONGEST_LOOK = 64 << 10, PROCESSORS = 1024, WORD = 64 };
enum { WORKING = 0, DONE = 1, LET_GO = 2 };

static _Alignas(16) char stack[STACK];
static uint32_t progress;
static long maker, result;

/* The processors that this process may use, as the kernel has them; none where it knows more than PROCESSORS. */
static uint64_t usable[PROCESSORS / WORD];
static long usable_size;

static void await(uint32_t value) {
    while (__atomic_load_n(&progress, __ATOMIC_ACQUIRE) == value)
        call(SYS_futex, (long)&progress, FUTEX_WAIT_PRIVATE, value, 0, 0);
}

static void tell(uint32_t value) {
    __atomic_store_n(&progress, value, __ATOMIC_RELEASE);
    call(SYS_futex, (long)&progress, FUTEX_WAKE_PRIVATE, 1, 0, 0);
}

/* Stays in the namespace until somebody else has it. */
__attribute__((used, noreturn)) void crt_make_network(void) {
    result = call(SYS_unshare, CLONE_NEWNET, 0, 0, 0, 0);
    tell(DONE);
    await(DONE);
    for (;;) call(SYS_exit, 0, 0, 0, 0, 0);
}

/* The new thread calls crt_make_network on the other stack. */
static long begin_thread(void) {
    const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
#if defined(__x86_64__)
    long made;
    register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0;
    __asm__ volatile("syscall\ntest %%rax, %%rax\njnz 1f\nxor %%ebp, %%ebp\ncall crt_make_network\n1:"
                     : "=a"(made)
                     : "a"(SYS_clone), "D"(flags), "S"(stack + STACK), "d"(0L), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return made;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone, x0 __asm__("x0") = flags, x1 __asm__("x1") = (long)(stack + STACK),
                  x2 __asm__("x2") = 0, x3 __asm__("x3") = 0, x4 __asm__("x4") = 0;
    __asm__ volatile("svc #0\ncbnz x0, 1f\nmov x29, #0\nmov x30, #0\nbl crt_make_network\n1:"
                     : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory", "x30");
    return x0;
#endif
}

/* On another processor than the caller's, where there is one. A scheduler that packs its tasks leaves the thread behind the caller until that waits for it. */
static void move_away(void) {
    unsigned int own = 0;
    usable_size = call(SYS_sched_getaffinity, 0, sizeof usable, (long)usable, 0, 0);
    if (usable_size <= 0 || call(SYS_getcpu, (long)&own, 0, 0, 0, 0) < 0 || own >= PROCESSORS) return;
    usable[own / WORD] &= ~(1ull << own % WORD);
    call(SYS_sched_setaffinity, maker, usable_size, (long)usable, 0, 0); /* EINVAL: no other */
    usable[own / WORD] |= 1ull << own % WORD;
}

/* Wherever there is room, from now on that the caller waits. */
static void await_result(void) {
    if (__atomic_load_n(&progress, __ATOMIC_ACQUIRE) == WORKING && usable_size > 0)
        call(SYS_sched_setaffinity, maker, usable_size, (long)usable, 0, 0);
    await(WORKING);
}

int32_t crt_network_begin(void) {
    uint64_t all = ~0ull, before;
    if (maker > 0) return 0;
    call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)&before, sizeof all, 0);
    maker = begin_thread();
    call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof before, 0);
    if (maker > 0) move_away();
    return maker < 0 ? (int32_t)maker : 0;
}

/* The file of the thread's own, /proc/self/task/NUMBER and `name`. */
static int open_of_maker(const char *name) {
    char path[64], digits[20];
    int length = 0, count = 0;
    for (const char *at = "/proc/self/task/"; *at; at++) path[length++] = *at;
    for (long rest = maker; rest; rest /= 10) digits[count++] = (char)('0' + rest % 10);
    while (count) path[length++] = digits[--count];
    for (; *name; name++) path[length++] = *name;
    path[length] = 0;
    return open(path, O_RDONLY | O_CLOEXEC);
}

int32_t crt_network_take(void) {
    await_result();
    int file = result < 0 ? (errno = (int)-result, -1) : open_of_maker("/ns/net");
    int code = file < 0 ? -errno : file;
    tell(LET_GO);
    return code;
}

void crt_network_drop(void) {
    if (maker <= 0) return;
    await_result();
    tell(LET_GO);
    /* some namespaces are not entered by a process with two threads */
    for (int file; (file = open_of_maker("")) >= 0; sched_yield()) close(file);
    maker = result = 0;
    progress = WORKING;
}

/* The bundle that the words after the verb name; NULL where the configuration is elsewhere, or help is asked for. */
static const char *bundle_of(char *const *words) {
    const char *bundle = ".";
    for (; *words && !is(*words, "--"); words++) {
        if (crt_is_option(*words, "config\0f\0help\0h\0")) return NULL;
        int is_bundle = crt_is_option(*words, "bundle\0b\0");
        if (!is_bundle && !crt_is_option(*words, "console-socket\0pidfd-socket\0pid-file\0preserve-fds\0")) continue;
        const char *value = crt_value(&words);
        if (!value) return NULL;
        if (is_bundle) bundle = value;
    }
    return bundle;
}

static const char *find(const char *text, const char *word) {
    for (; *text; text++)
        if (begins(text, word)) return text;
    return NULL;
}

/* Whether a configuration asks for a new network namespace and for no namespace of a kind that makes it another's, or that a
 * process with two threads may not enter. It is looked at, not read: where the look is wrong, the thread's work is for nothing. */
static int wants_network(const char *text) {
    int wants = 0;
    const char *at = find(text, "\"namespaces\"");
    if (!at) return 0;
    for (; *at && *at != ']'; at++) {
        if (begins(at, "\"user\"") || begins(at, "\"time\"")) return 0;
        if (*at != '{') continue;
        int is_network = 0, has_path = 0;
        for (; *at && *at != '}' && *at != ']'; at++) {
            if (begins(at, "\"user\"") || begins(at, "\"time\"")) return 0;
            is_network |= begins(at, "\"network\"");
            has_path |= begins(at, "\"path\"");
        }
        wants |= is_network && !has_path;
        if (*at != '}') break;
    }
    return wants;
}

void crt_early_network(char *const *words) {
    char text[LONGEST_LOOK];
    const char *bundle = bundle_of(words);
    if (!bundle || call(SYS_geteuid, 0, 0, 0, 0, 0) != 0) return;
    long folder = call(SYS_openat, AT_FDCWD, (long)bundle, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (folder < 0) return;
    long file = call(SYS_openat, folder, (long)"config.json", O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, 0);
    long size = file < 0 ? file : call(SYS_pread64, file, (long)text, sizeof text - 1, 0, 0);
    if (file >= 0) call(SYS_close, file, 0, 0, 0, 0);
    call(SYS_close, folder, 0, 0, 0, 0);
    if (size <= 0) return;
    text[size] = 0;
    if (wants_network(text)) crt_network_begin();
}

FIRST_INSTRUCTIONS_END
