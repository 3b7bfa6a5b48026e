#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "child.h"
#include "cmounts.h"

int32_t cmnt_clone(int32_t file, int32_t recursive) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    int tree = open_tree(file, "", flags | (recursive ? AT_RECURSIVE : 0));
    return tree < 0 ? -errno : tree;
}

int32_t cmnt_open_beneath(int32_t directory, const char *path) {
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    return fd < 0 ? -errno : fd;
}

int32_t cmnt_tmpfs(int32_t target, const char *options, uint32_t options_size) {
    int tree = cl_new_mount("tmpfs", options, options_size, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, NULL);
    if (tree < 0) return -errno;
    int code = cl_attach(tree, target) < 0 ? -errno : 0;
    close(tree);
    return code;
}

int32_t cmnt_map(int32_t tree, int32_t user) { return cl_map_ids(tree, user) < 0 ? -errno : 0; }

int32_t cmnt_attach(int32_t tree, const char *path) {
    return move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

int32_t cmnt_overlay(const char *target, const char *options) {
    unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
    return mount("overlay", target, "overlay", flags, options) < 0 ? -errno : 0;
}

int32_t cmnt_detach(const char *path) {
    return umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
}

/* Each call is made with arguments that cannot succeed: ENOSYS alone tells that it is not there. */
int32_t cmnt_probe(uint32_t what) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    long result = -1;
    errno = 0;
    switch (what) {
    case CMNT_PROBE_CLONE3: result = syscall(SYS_clone3, NULL, 0); break;
    case CMNT_PROBE_OPENAT2: result = syscall(SYS_openat2, -1, "", NULL, 0); break;
    case CMNT_PROBE_MOUNT_SETATTR: result = syscall(SYS_mount_setattr, -1, "", 0, NULL, 0); break;
    case CMNT_PROBE_FSOPEN: result = syscall(SYS_fsopen, NULL, 0); break;
    case CMNT_PROBE_PIDFD: result = syscall(SYS_pidfd_open, -1, 0); break;
    case CMNT_PROBE_SECCOMP: result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL); break;
    case CMNT_PROBE_CLOSE_RANGE: result = syscall(SYS_close_range, 1, 0, 0); break;
    case CMNT_PROBE_BPF: result = syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes); break;
    }
    return result >= 0 || (errno != ENOSYS && !(what == CMNT_PROBE_BPF && errno == EPERM));
}

int32_t cmnt_copies_detached(void) {
    struct utsname told;
    char *end;
    if (uname(&told) < 0) return 0;
    unsigned long major = strtoul(told.release, &end, 10), minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    return major > 6 || (major == 6 && minor >= 15);
}
