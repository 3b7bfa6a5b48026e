#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "cruntime.h"
#include "first.h"

/* Namespaces made while the caller goes on, by a thread that alone is in them.
 *
 * A network namespace, with its loopback link and hundreds of parameters, takes the kernel half a millisecond, longer than all
 * the others together: so it is begun by the first instructions where these can see that one will be wanted, and is ready before
 * the libraries and the plan are (0.2 ms of a `create`), else as soon as the caller knows.
 *
 * A mount namespace is soon copied, but the host's tree is not left behind without waiting until every processor has let go of
 * it: 0.1 ms together, and several times as much where processors come and go. So the thread does that while the caller
 * prepares the rest. The namespace is the container's process's alone from when that is there: its mounts end before it is seen
 * to have ended.
 *
 * Not one of the C library's threads, which is not up yet: it uses raw system calls and a stack of its own. It opens nothing,
 * because a number that the caller takes for an inherited descriptor's could become its own. Signals it leaves to the others. */

FIRST_INSTRUCTIONS_BEGIN

enum { STACK = 8 << 10, LONGEST_LOOK = 64 << 10, PROCESSORS = 1024, WORD = 64 };
/* What the thread is asked for, one after the other, and has done. */
enum { NOTHING = 0, NETWORK = 1, ROOT = 2, END = 3 };

static _Alignas(16) char stack[STACK];
static uint32_t asked, done;
static long maker, results[END];
static int root_tree;
static uint32_t root_stage; /* CL_STAGE_*: how far it is with the root */

/* The processors that this process may use, as the kernel has them; none where it knows more than PROCESSORS. */
static uint64_t usable[PROCESSORS / WORD];
static long usable_size;

/* What has been reached, once it is so much. */
static uint32_t await(uint32_t *reached, uint32_t least) {
    for (uint32_t now;; call(SYS_futex, (long)reached, FUTEX_WAIT_PRIVATE, now, 0, 0))
        if ((now = __atomic_load_n(reached, __ATOMIC_ACQUIRE)) >= least) return now;
}

static void tell(uint32_t *reached, uint32_t now) {
    __atomic_store_n(reached, now, __ATOMIC_RELEASE);
    call(SYS_futex, (long)reached, FUTEX_WAKE_PRIVATE, 1, 0, 0);
}

/* Makes a mount namespace whose root is a detached tree, with the host's left behind. Nothing of it comes to the host, since all its copies are private. */
static long enter_root(long tree, uint32_t *stage) {
    long code;
    *stage = CL_STAGE_NAMESPACES;
    if ((code = call(SYS_unshare, CLONE_NEWNS, 0, 0, 0, 0)) < 0) return code;
    *stage = CL_STAGE_PROPAGATION;
    if ((code = call(SYS_mount, 0, (long)"/", 0, MS_REC | MS_PRIVATE, 0)) < 0) return code;
    *stage = CL_STAGE_ROOT;
    if ((code = call(SYS_move_mount, tree, (long)"", AT_FDCWD, (long)"/", MOVE_MOUNT_F_EMPTY_PATH)) < 0) return code;
    *stage = CL_STAGE_PIVOT;
    if ((code = call(SYS_fchdir, tree, 0, 0, 0, 0)) < 0) return code;
    if ((code = call(SYS_pivot_root, (long)".", (long)".", 0, 0, 0)) < 0) return code;
    return call(SYS_umount2, (long)".", MNT_DETACH, 0, 0, 0);
}

/* Stays in the namespaces until nobody wants them of it any more. */
__attribute__((used, noreturn)) void crt_make_ahead(void) {
    results[NETWORK] = call(SYS_unshare, CLONE_NEWNET, 0, 0, 0, 0);
    tell(&done, NETWORK);
    if (await(&asked, ROOT) == ROOT) {
        results[ROOT] = enter_root(root_tree, &root_stage);
        tell(&done, ROOT);
        await(&asked, END);
    }
    for (;;) call(SYS_exit, 0, 0, 0, 0, 0);
}

/* The new thread calls crt_make_ahead on the other stack. */
static long begin_thread(void) {
    const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
#if defined(__x86_64__)
    long made;
    register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0;
    __asm__ volatile("syscall\ntest %%rax, %%rax\njnz 1f\nxor %%ebp, %%ebp\ncall crt_make_ahead\n1:"
                     : "=a"(made)
                     : "a"(SYS_clone), "D"(flags), "S"(stack + STACK), "d"(0L), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return made;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone, x0 __asm__("x0") = flags, x1 __asm__("x1") = (long)(stack + STACK),
                  x2 __asm__("x2") = 0, x3 __asm__("x3") = 0, x4 __asm__("x4") = 0;
    __asm__ volatile("svc #0\ncbnz x0, 1f\nmov x29, #0\nmov x30, #0\nbl crt_make_ahead\n1:"
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
static void await_done(uint32_t work) {
    if (__atomic_load_n(&done, __ATOMIC_ACQUIRE) < work && usable_size > 0)
        call(SYS_sched_setaffinity, maker, usable_size, (long)usable, 0, 0);
    await(&done, work);
}

int32_t crt_network_begin(void) {
    uint64_t all = ~0ull, before;
    if (maker > 0) return 0;
    asked = NETWORK;
    done = NOTHING;
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

/* The thread's namespace of a kind, once it is made. */
static int32_t take(uint32_t work, const char *name) {
    await_done(work);
    int file = results[work] < 0 ? (errno = (int)-results[work], -1) : open_of_maker(name);
    return file < 0 ? -errno : file;
}

int32_t crt_network_take(void) {
    int32_t code = take(NETWORK, "/ns/net");
    if (asked == NETWORK) crt_ahead_end();
    return code;
}

/* To enter a mount namespace takes this right too, which to make one does not. */
static int may_change_root(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
    return call(SYS_capget, (long)&header, (long)data, 0, 0, 0) == 0 && data[0].effective & 1u << CAP_SYS_CHROOT;
}

int32_t crt_root_begin(int32_t tree) {
    if (maker <= 0 || asked != NETWORK || !CL_KEEPS(HOST_FILES) || !may_change_root()) return -ENOTSUP;
    root_tree = tree;
    tell(&asked, ROOT);
    return 0;
}

int32_t crt_root_take(uint32_t *stage) {
    int32_t code = take(ROOT, "/ns/mnt");
    *stage = root_stage;
    return code;
}

void crt_ahead_end(void) {
    if (maker > 0 && asked < END) tell(&asked, END);
}

void crt_network_drop(void) {
    if (maker <= 0) return;
    await_done(NETWORK);
    crt_ahead_end();
    /* some namespaces are not entered by a process with two threads */
    for (int file; (file = open_of_maker("")) >= 0; sched_yield()) close(file);
    maker = 0;
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
