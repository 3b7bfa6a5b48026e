#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "child.h"
#include "cruntime.h"
#include "first.h"

/* The first instructions of swiftlet-oci, before the C library's. A call that is going to start processes executes the program
 * anew here (crt_seal says why), because up to here that costs next to nothing: the libraries come to life once, not twice. One
 * that has only to let a process go does so (early.c).
 * Nothing of them works yet, so this is plain code over raw system calls. Whatever fails is left to crt_seal, which looks
 * again and says so. */

#if defined(__x86_64__)
__asm__(".text\n.globl crt_entry\n.type crt_entry, @function\ncrt_entry:\n"
        "xor %ebp, %ebp\nmov %rsp, %rbx\nmov %rdx, %r12\nmov %rsp, %rdi\nand $-16, %rsp\ncall crt_first\n"
        "mov %rbx, %rsp\nmov %r12, %rdx\njmp _start\n");
#elif defined(__aarch64__)
__asm__(".text\n.globl crt_entry\n.type crt_entry, %function\ncrt_entry:\n"
        "mov x29, #0\nmov x30, #0\nmov x19, x0\nmov x0, sp\nbl crt_first\nmov x0, x19\nb _start\n");
#endif

FIRST_INSTRUCTIONS_BEGIN

static char **arguments;
static struct crt_opened opened = {-1, -1, 0};

char *const *crt_arguments(void) { return arguments; }

int32_t crt_opened_gate(int32_t *is_executing, int32_t *folder) {
    *is_executing = opened.executing;
    *folder = opened.folder;
    return opened.gate;
}

/* `stack` is as the kernel leaves it: the count, the arguments, NULL, the environment, NULL. */
__attribute__((used)) void crt_first(long *stack) {
    char **argv = (char **)(stack + 1), **envp = argv + *stack + 1;
    arguments = argv;
    long count = 0;
    const char *root;
    char *const *verb = crt_verb(argv, &root);
    if (!verb) return;
    int makes_container = is(*verb, "create") || is(*verb, "run");
    if (is(*verb, "start")) crt_early_start(root, verb + 1, &opened);
    if (!CL_KEEPS(OWN_FILE) || !(makes_container || is(*verb, "exec"))) return;
    for (; envp[count]; count++) {
        if (!begins(envp[count], CRT_SEALED)) continue;
        if (makes_container) crt_early_network(verb + 1);
        return;
    }
    char *marked[count + 3];
    for (long i = 0; i < count; i++) ((char *volatile *)marked)[i] = envp[i];
    marked[count] = (char *)CRT_SEALED "=1";
    /* the Swift runtime would look for a program that prints backtraces, in nine places: 20 us */
    marked[count + 1] = (char *)"SWIFT_BACKTRACE=enable=no,color=no,swift-backtrace=/";
    marked[count + 2] = 0;
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    long tree = call(SYS_open_tree, AT_FDCWD, (long)"/proc/self/exe", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);
    if (tree < 0) return;
    if (call(SYS_mount_setattr, tree, (long)"", AT_EMPTY_PATH, (long)&read_only, sizeof read_only) == 0)
        call(SYS_execveat, tree, (long)"", (long)argv, (long)marked, AT_EMPTY_PATH);
    call(SYS_close, tree, 0, 0, 0, 0);
}

FIRST_INSTRUCTIONS_END
