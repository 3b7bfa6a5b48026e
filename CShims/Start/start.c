/* How a static executable comes to its `main`, in place of the C library's own __libc_start_main.
 *
 * glibc's asks the processor about itself beforehand, some twenty times, to choose among its string functions. In a virtual machine each such question is
 * an exit to the hypervisor: 0.17 of the 0.5 ms that starting a process takes there. What is called here copies short strings, which the functions
 * that every x86-64 has do as well; so the questions are left out, and with them the tunables that a caller could set in the environment.
 *
 * These are the parts of glibc 2.36, Debian 12's (its csu/libc-start.c and sysdeps/x86/cacheinfo.h say the same); with any other the library's own start is
 * linked, as it is on arm64, where the kernel tells what the processor has. */

#define _GNU_SOURCE
#include <features.h>

#if defined(__x86_64__) && defined(__GLIBC__) && __GLIBC__ == 2 && __GLIBC_MINOR__ == 36 && !defined(__CET__)
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

typedef void initializer(int argc, char **argv, char **envp);
typedef void finalizer(void);

/* The linker's. */
extern initializer *__preinit_array_start[], *__preinit_array_end[], *__init_array_start[], *__init_array_end[];
extern finalizer *__fini_array_start[], *__fini_array_end[], _init, _fini;
extern const Elf64_Rela __rela_iplt_start[] __attribute__((weak)), __rela_iplt_end[] __attribute__((weak));

/* The C library's. */
extern void *__libc_stack_end;
extern const uintptr_t *_dl_random;
extern int __libc_enable_secure;
void _dl_aux_init(Elf64_auxv_t *told);
void _dl_relocate_static_pie(void);
void __libc_setup_tls(void);
void __libc_early_init(_Bool is_first);
initializer __libc_init_first;
finalizer __libc_check_standard_fds;
int __cxa_atexit(void (*function)(void *), void *argument, void *library);

/* What copying goes by: caches of 32 KiB and 1 MiB, and when a copy is so large that it had better pass them by. */
long __x86_data_cache_size = 32 << 10, __x86_data_cache_size_half = 16 << 10;
long __x86_shared_cache_size = 1 << 20, __x86_shared_cache_size_half = 512 << 10;
long __x86_shared_non_temporal_threshold = 768 << 10;
long __x86_rep_movsb_threshold = 2048, __x86_rep_movsb_stop_threshold = 768 << 10, __x86_rep_stosb_threshold = 2048;
int __x86_string_control = 0;

static void finalize(void *unused) {
    (void)unused;
    for (finalizer **each = __fini_array_end; each > __fini_array_start;) (*--each)();
    _fini();
}

static void initialize(initializer **each, initializer **end, int argc, char **argv) {
    for (; each < end; each++) (*each)(argc, argv, environ);
}

/* The guards of the stack and of stored pointers lie at fixed places behind the thread pointer; until they are there no function may look at one. */
__attribute__((no_stack_protector)) static void set_guards(void) {
    uintptr_t without_text = _dl_random[0] & ~(uintptr_t)0xff; /* a zero byte first: what overruns as text cannot write it */
    __asm__ volatile("mov %0, %%fs:0x28\n\tmov %1, %%fs:0x30" ::"r"(without_text), "r"(_dl_random[1]));
}

__attribute__((noreturn, no_stack_protector)) int __libc_start_main(
    int (*main)(int, char **, char **), int argc, char **argv, initializer *init, finalizer *fini, finalizer *loader_fini, void *stack_end) {
    (void)init, (void)fini, (void)loader_fini; /* of dynamic executables, and of older ones */
    environ = argv + argc + 1;
    __libc_stack_end = stack_end;
    char **end = environ;
    while (*end) end++;
    _dl_aux_init((Elf64_auxv_t *)(end + 1));
    _dl_relocate_static_pie();
    for (const Elf64_Rela *each = __rela_iplt_start; each < __rela_iplt_end; each++)
        *(uintptr_t *)each->r_offset = ((uintptr_t(*)(void))each->r_addend)();
    __libc_setup_tls();
    set_guards();
    __libc_early_init(1);
    __libc_init_first(argc, argv, environ);
    __cxa_atexit(finalize, NULL, NULL);
    if (__libc_enable_secure) __libc_check_standard_fds();
    initialize(__preinit_array_start, __preinit_array_end, argc, argv);
    _init();
    initialize(__init_array_start, __init_array_end, argc, argv);
    exit(main(argc, argv, environ));
}
#endif
