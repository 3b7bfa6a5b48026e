#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "child.h"
#include "first.h"

/* Until it executes a program of the container's, what a call has started has our file as its executable, and /proc/PID/exe leads to it; a container that
 * executes /proc/self/exe keeps it for longer. Opened there, the file could be written to once nothing runs from it (CVE-2019-5736). Not so through a
 * mount that is read-only: so the process goes over to one, which nobody else sees.
 *
 * Others execute themselves anew from there, which costs a third of a millisecond in each call. It takes an eighth of that to map the file anew instead,
 * segment over segment, and to tell the kernel that this is the executable: it agrees where nothing of the former is mapped any more. The segments are as
 * they are in the file as long as nothing was written to, which only holds before the C library's first instruction. */

FIRST_INSTRUCTIONS_BEGIN

/* What the kernel has told about this process. */
struct entered {
    char **argv, **envp, *end; /* `end`: where the environment's texts do */
    const Elf64_Phdr *headers;
    unsigned long count, page, base;
};

static struct entered read_stack(long *stack) {
    struct entered told = {.argv = (char **)(stack + 1), .envp = (char **)(stack + 1) + *stack + 1};
    char **next = told.envp;
    told.end = *stack > 0 ? told.argv[*stack - 1] : (char *)stack;
    for (; *next; next++) told.end = *next;
    while (*told.end) told.end++;
    for (const unsigned long *at = (const unsigned long *)(next + 1); at[0] != AT_NULL; at += 2) {
        if (at[0] == AT_PHDR) told.headers = (const Elf64_Phdr *)at[1];
        if (at[0] == AT_PHNUM) told.count = at[1];
        if (at[0] == AT_PAGESZ) told.page = at[1];
    }
    if (!told.headers) told.count = 0;
    for (unsigned long i = 0; i < told.count; i++)
        if (told.headers[i].p_type == PT_PHDR) told.base = (unsigned long)told.headers - told.headers[i].p_vaddr;
    return told;
}

/* A descriptor that can be mapped, of what another one only names. */
static long open_for_reading(long named) {
    char path[32], digits[20];
    int length = 0, count = 0;
    for (const char *at = "/proc/self/fd/"; *at; at++) ((volatile char *)path)[length++] = *at;
    do digits[count++] = (char)('0' + named % 10);
    while (named /= 10);
    while (count) path[length++] = digits[--count];
    path[length] = 0;
    return call(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0);
}

/* What a segment has beyond its part of the file is zero; the rest of the last page was mapped with it. */
static void clear(unsigned long from, unsigned long page) {
    for (volatile char *at = (volatile char *)from; (unsigned long)at % page; at++) *at = 0;
}

/* Maps a segment of the file where it is already, as the kernel did. */
static int map_anew(const Elf64_Phdr *segment, const struct entered *told, long file) {
    unsigned long start = told->base + segment->p_vaddr, before = start % told->page, flags = segment->p_flags;
    long protection = (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0);
    long kind = MAP_PRIVATE | MAP_FIXED | (flags & PF_W ? MAP_POPULATE : 0);
    long at = call6(SYS_mmap, (long)(start - before), (long)(segment->p_filesz + before), protection, kind, file,
                    (long)(segment->p_offset - before));
    if (at != (long)(start - before)) return 0;
    if (flags & PF_W && segment->p_memsz > segment->p_filesz) clear(start + segment->p_filesz, told->page);
    return 1;
}

/* Says that the file is this process's executable: whether the kernel agrees, which wants all that it keeps about a process with it. PR_SET_MM_EXE_FILE, which
 * does not, asks for a right that root in a container seldom has. */
static int name_executable(const struct entered *told, const long *stack, long file) {
    struct prctl_mm_map map;
    unsigned long code = 0, code_end = 0, data = 0, data_end = 0, heap = (unsigned long)call(SYS_brk, 0, 0, 0, 0, 0);
    for (unsigned long i = 0; i < told->count; i++) {
        const Elf64_Phdr *segment = &told->headers[i];
        if (segment->p_type != PT_LOAD) continue;
        unsigned long start = told->base + segment->p_vaddr, end = start + segment->p_filesz;
        if (segment->p_flags & PF_X) code = start, code_end = end;
        else data = start, data_end = end;
    }
    map.start_code = code, map.end_code = code_end, map.start_data = data, map.end_data = data_end;
    map.start_brk = map.brk = heap, map.start_stack = (unsigned long)stack;
    map.arg_start = (unsigned long)told->argv[0], map.env_end = (unsigned long)told->end + 1;
    map.arg_end = map.env_start = told->envp[0] ? (unsigned long)told->envp[0] : map.env_end;
    map.auxv = 0, map.auxv_size = 0, map.exe_fd = (unsigned)file;
    return call(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (long)&map, sizeof map, 0) == 0;
}

long crt_leave_own_file(long *stack, int *has_left) {
    struct entered told = read_stack(stack);
    if (!told.count || !told.page) return -1;
    struct mount_attr read_only;
    read_only.attr_set = MOUNT_ATTR_RDONLY, read_only.attr_clr = 0, read_only.propagation = 0, read_only.userns_fd = 0;
    long file = -1, tree = call(SYS_open_tree, AT_FDCWD, (long)"/proc/self/exe", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);
    if (tree < 0) return -1;
    if (call(SYS_mount_setattr, tree, (long)"", AT_EMPTY_PATH, (long)&read_only, sizeof read_only) == 0) file = open_for_reading(tree);
    if (file >= 0) {
        int is_whole = 1;
        for (unsigned long i = 0; i < told.count && is_whole; i++)
            if (told.headers[i].p_type == PT_LOAD && told.headers[i].p_filesz) is_whole = map_anew(&told.headers[i], &told, file);
        *has_left = is_whole && name_executable(&told, stack, file);
        call(SYS_close, file, 0, 0, 0, 0);
    }
    return tree;
}

FIRST_INSTRUCTIONS_END
