#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "child.h"

/* Where there will be a terminal, the host's /dev/null until then: what the caller has there is not to be seen inside. One that ends with the execve
 * is ours, made where the caller has none. */
static void leave_streams(const struct cl_child *child) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        if (null < 0 || (fcntl(i, F_GETFD) == 0 && dup2(null, i) < 0)) cl_fail(child, CL_STAGE_STDIO, (uint32_t)i, errno);
    if (null > 2) close(null);
}

static int is_null(int stream) {
    struct stat status;
    return fstat(stream, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

int32_t cl_takes_null(const struct cl_launch *launch) {
    int takes = !(launch->plan->flags & CL_PLAN_TERMINAL) && launch->join_pidfd < 0;
    return takes && (is_null(launch->stdio[0]) || is_null(launch->stdio[1]) || is_null(launch->stdio[2]));
}

/* A session takes the container's own, if that has one: looked up as by whoever is inside, who may do with it already what a session may. The number is
 * that process's for as long as it can be joined. */
static int container_null(const struct cl_child *child) {
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS};
    char path[32];
    if (child->launch->join_pidfd < 0) return -1;
    snprintf(path, sizeof path, "/proc/%d/root", child->launch->join_pid);
    int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), null = -1;
    if (root >= 0) null = (int)syscall(SYS_openat2, root, "dev/null", &how, sizeof how);
    if (root >= 0) close(root);
    if (null < 0 || is_null(null)) return null;
    close(null);
    return -1;
}

/* The null device is the host's, and root in a container owns it: through its stream it could close it to everybody on the host, or give it away. Not so
 * through a mount that is read-only, which lets a device be written to. */
int32_t cl_mount_null(void) {
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    int tree = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) return -1;
    int code = is_null(tree) ? mount_setattr(tree, "", AT_EMPTY_PATH, &read_only, sizeof read_only) < 0 ? errno : 0 : ENODEV;
    if (!code) return tree;
    close(tree);
    return errno = code, -1;
}

static int guard_null(int stream, int other) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", other);
    int null = open(path, (fcntl(stream, F_GETFL) & O_ACCMODE) | O_CLOEXEC);
    if (null < 0 || dup2(null, stream) < 0) return -1;
    close(null);
    return 0;
}

/* By which whoever is not in a user namespace goes there. */
static uid_t overflow_user(void) {
    char text[16] = "65534";
    int file = open("/proc/sys/kernel/overflowuid", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? 0 : read(file, text, sizeof text - 1);
    if (file >= 0) close(file);
    if (got > 0) text[got] = 0;
    return (uid_t)strtoul(text, NULL, 10);
}

/* O_NOATIME is for who may change a file: its owner, and root where the owner is known. */
static int may_change(int stream) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", stream);
    int file = open(path, O_RDONLY | O_NOATIME | O_CLOEXEC);
    if (file >= 0) close(file);
    return file >= 0;
}

/* Whether somebody here may change it. Whose user is not in our user namespace belongs to nobody there: a container without rights of the host's keeps what
 * its caller has. The number that such a one goes by may be a user's as well; that is told by what we may do, unless we are nobody there ourselves. */
static int has_owner(const struct cl_child *child, int stream) {
    uid_t nobody = overflow_user();
    struct stat status;
    /* before its ids are mapped everybody is unknown there */
    if (child->plan->flags & CL_PLAN_MAPPED || fstat(stream, &status) < 0 || status.st_uid != nobody) return 1;
    return geteuid() != nobody && may_change(stream);
}

static void guard_nulls(const struct cl_child *child, const int nulls[3]) {
    int own = container_null(child), tree = child->launch->null_mount, code = 0;
    for (int i = 0; i < 3; i++) {
        if (!nulls[i] || (own >= 0 && guard_null(i, own) == 0)) continue;
        if (tree < 0 && !code && (tree = cl_mount_null()) < 0) code = errno;
        if ((code || guard_null(i, tree) < 0) && has_owner(child, i)) cl_fail(child, CL_STAGE_NULL_DEVICE, (uint32_t)i, code ? code : errno);
    }
    if (own >= 0) close(own);
    if (tree >= 0) close(tree);
}

void cl_take_streams(const struct cl_child *child) {
    int nulls[3];
    if (child->plan->flags & CL_PLAN_TERMINAL) return leave_streams(child);
    for (int i = 0; i < 3; i++)
        if (dup2(child->launch->stdio[i], i) < 0) cl_fail(child, CL_STAGE_STDIO, (uint32_t)i, errno);
    for (int i = 0; i < 3; i++) nulls[i] = CL_KEEPS(STREAMS) && is_null(i);
    if (nulls[0] || nulls[1] || nulls[2]) guard_nulls(child, nulls);
}
