#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "child.h"

/* Hides one path: files behind our own null device, directories behind an empty read-only filesystem. */
static int mask(struct cl_child *child, int target, int *empty) {
    struct stat status;
    if (fstat(target, &status) < 0) return -1;
    int cover;
    if (!S_ISDIR(status.st_mode)) {
        cover = open_tree(child->devices, "null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
        /* what lies there must be the null device itself */
        if (CL_KEEPS(NULL_DEVICE) && cover >= 0 && (fstat(cover, &status) < 0 || !S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3)))
            return close(cover), errno = ENODEV, -1;
    } else if (*empty < 0) {
        static const char options[] = "mode=755\0nr_blocks=1\0nr_inodes=2";
        *empty = cover = cl_new_mount("tmpfs", options, sizeof options, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                      MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, child->plan->mount_label);
    } else {
        cover = open_tree(*empty, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    }
    if (cover < 0) return -1;
    int done = cl_attach(cover, target);
    int code = errno;
    if (cover != *empty) close(cover);
    errno = code;
    return done;
}

/* Binds a path over itself, read-only with all beneath. */
static int make_read_only(int target) {
    int tree = open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
    if (tree < 0) return -1;
    int done = cl_settle(tree, CL_MOUNT_READ_ONLY | CL_MOUNT_RECURSIVE_ATTRIBUTES, CL_PROPAGATION_PRIVATE);
    if (done == 0) done = cl_attach(tree, target);
    int code = errno;
    close(tree);
    errno = code;
    return done;
}

void cl_cover_paths(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    int empty = -1;
    for (uint32_t i = 0; CL_KEEPS(READ_ONLY_PATHS) && i < plan->read_only_count; i++) {
        int target = cl_open_inside(child->root, plan->read_only[i], O_PATH, 0);
        if (target < 0 && (errno == ENOENT || errno == ENOTDIR)) continue;
        if (target < 0 || make_read_only(target) < 0) cl_fail(child, CL_STAGE_READ_ONLY, i, errno);
        close(target);
    }
    for (uint32_t i = 0; CL_KEEPS(MASKED_PATHS) && i < plan->mask_count; i++) {
        int target = cl_open_inside(child->root, plan->masks[i], O_PATH, 0);
        if (target < 0 && (errno == ENOENT || errno == ENOTDIR)) continue;
        if (target < 0 || mask(child, target, &empty) < 0) cl_fail(child, CL_STAGE_MASK, i, errno);
        close(target);
    }
    if (empty >= 0) close(empty);
    if (plan->flags & CL_PLAN_ROOT_READ_ONLY) {
        struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
        if (mount_setattr(child->root, "", AT_EMPTY_PATH, &read_only, sizeof read_only) < 0)
            cl_fail(child, CL_STAGE_READ_ONLY, UINT32_MAX, errno);
    }
}
