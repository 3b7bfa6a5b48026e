#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

/* Mounts of a runtime specification: any filesystem with any option, detached trees, changes of what is there. */

enum { LONGEST_OPTION = 250 }; /* of the new mount interface: it holds 256 bytes */

static int has_long_option(const struct cl_mount *mount) {
    for (uint32_t at = 0; at < mount->options_size; at += (uint32_t)strlen(mount->options + at) + 1)
        if (strlen(mount->options + at) > LONGEST_OPTION) return 1;
    return 0;
}

static unsigned long old_flags(uint64_t attributes) {
    unsigned long flags = 0;
    if (attributes & MOUNT_ATTR_RDONLY) flags |= MS_RDONLY;
    if (attributes & MOUNT_ATTR_NOSUID) flags |= MS_NOSUID;
    if (attributes & MOUNT_ATTR_NODEV) flags |= MS_NODEV;
    if (attributes & MOUNT_ATTR_NOEXEC) flags |= MS_NOEXEC;
    return flags;
}

/* By mount(2), at the directory we stand in for a moment. */
static int mount_old_way(const struct cl_mount *wanted, int target) {
    char data[4096];
    size_t length = 0;
    for (uint32_t at = 0; at < wanted->options_size; at += (uint32_t)strlen(wanted->options + at) + 1) {
        size_t size = strlen(wanted->options + at);
        if (length + size + 2 > sizeof data) return errno = E2BIG, -1;
        if (length) data[length++] = ',';
        memcpy(data + length, wanted->options + at, size);
        length += size;
    }
    data[length] = 0;
    if (fchdir(target) < 0 || mount(wanted->source, ".", wanted->type, old_flags(wanted->set), data) < 0) return -1;
    return chdir("/");
}

/* A tmpfs that takes writes until the end: targets and device nodes are still to be made in it. */
static int is_late_read_only(const struct cl_mount *mount) {
    return mount->tree < 0 && mount->set & MOUNT_ATTR_RDONLY && strcmp(mount->type, "tmpfs") == 0;
}

static int change(const struct cl_child *child, const struct cl_mount *mount) {
    struct mount_attr attributes = {.attr_set = mount->set, .attr_clr = mount->clear};
    int target = cl_open_inside(child->root, mount->target, O_PATH, 0);
    if (target < 0) return -1;
    int done = mount_setattr(target, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
    int code = errno;
    close(target);
    errno = code;
    return done;
}

static int make_target(const struct cl_child *child, const struct cl_mount *mount, int tree) {
    struct stat status = {.st_mode = S_IFDIR};
    if (tree >= 0 && fstat(tree, &status) < 0) return -1;
    uint64_t resolve = mount->flags & CL_FILESYSTEM_NO_LINKS && CL_KEEPS(LINKS) ? RESOLVE_NO_SYMLINKS : 0;
    return cl_make_target(child->root, mount->target, S_ISDIR(status.st_mode), resolve);
}

static uint64_t first_attributes(const struct cl_mount *mount) {
    return is_late_read_only(mount) ? mount->set & ~(uint64_t)MOUNT_ATTR_RDONLY : mount->set;
}

/* In a user namespace the kernel lets out new procfs and sysfs only where an unobstructed one is in sight, so they are made
 * before the host's is gone. */
static void make_early(struct cl_child *child) {
    for (uint32_t i = 0; i < child->plan->mount_count; i++) {
        const struct cl_mount *mount = &child->plan->mounts[i];
        child->trees[i] = -1;
        if (!(child->plan->flags & CL_PLAN_UNPRIVILEGED)) continue;
        if (mount->kind != CL_MOUNT_FILESYSTEM || mount->tree >= 0 || mount->flags & CL_FILESYSTEM_CHANGE) continue;
        if (strcmp(mount->type, "proc") != 0 && strcmp(mount->type, "sysfs") != 0) continue;
        child->trees[i] = cl_new_filesystem(mount->type, mount->source, mount->options, mount->options_size, mount->set);
        if (child->trees[i] < 0) cl_fail(child, CL_STAGE_MOUNT, i, errno);
    }
}

/* Since Linux 6.8 mounts are listed by when they were made: a copy of what was made early stands at its place of the plan, and the first stands
 * there already. Before 6.15 what is attached nowhere cannot be copied, and goes there itself. */
static int made_in_turn(const struct cl_child *child, uint32_t index) {
    int tree = child->trees[index];
    if (tree < 0 || index == 0) return tree;
    int copy = open_tree(tree, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (copy < 0) return tree;
    close(tree);
    return copy;
}

static int attach(const struct cl_child *child, uint32_t index) {
    const struct cl_mount *mount = &child->plan->mounts[index];
    int tree = made_in_turn(child, index);
    if (mount->tree >= 0) {
        if ((uint32_t)mount->tree >= child->launch->tree_count) return errno = EBADF, -1;
        tree = child->launch->trees[mount->tree];
    }
    int target = make_target(child, mount, mount->tree >= 0 ? tree : -1);
    if (target < 0) cl_fail(child, CL_STAGE_MOUNT_TARGET, index, errno);
    int done = 0, old = tree < 0 && has_long_option(mount);
    if (old) done = mount_old_way(mount, target);
    else if (tree < 0) {
        tree = cl_new_filesystem(mount->type, mount->source, mount->options, mount->options_size, first_attributes(mount));
        if (tree < 0) done = -1;
        else if (mount->flags & CL_FILESYSTEM_COPY_UP && cl_copy_tree(target, tree) < 0) done = -1;
    }
    if (done == 0 && !old) done = cl_attach(tree, target);
    int code = errno;
    close(target);
    if (tree >= 0) close(tree);
    errno = code;
    return done;
}

void cl_make_filesystem(struct cl_child *child, uint32_t index) {
    const struct cl_mount *mount = &child->plan->mounts[index];
    int done = mount->flags & CL_FILESYSTEM_CHANGE ? change(child, mount) : attach(child, index);
    if (done == 0) return;
    if (!(mount->flags & CL_FILESYSTEM_OPTIONAL)) cl_fail(child, CL_STAGE_MOUNT, index, errno);
    cl_warn(child, CL_STAGE_MOUNT, index, errno);
}

void cl_finish_filesystems(struct cl_child *child) {
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    for (uint32_t i = 0; i < child->plan->mount_count; i++) {
        const struct cl_mount *mount = &child->plan->mounts[i];
        if (mount->kind != CL_MOUNT_FILESYSTEM || mount->flags & CL_FILESYSTEM_CHANGE || !is_late_read_only(mount)) continue;
        int target = cl_open_inside(child->root, mount->target, O_PATH, 0);
        if (target < 0 || mount_setattr(target, "", AT_EMPTY_PATH, &read_only, sizeof read_only) < 0)
            cl_fail(child, CL_STAGE_MOUNT, i, errno);
        close(target);
    }
}

/* Without a mount namespace of its own the container's tree lies over its directory, in sight of everybody, and the
 * process is merely confined to it. */
static void confine(struct cl_child *child, int root) {
    if (fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0) cl_fail(child, CL_STAGE_PIVOT, 3, errno);
    child->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (child->root < 0) cl_fail(child, CL_STAGE_PIVOT, 4, errno);
}

void cl_enter_root_tree(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    if ((uint32_t)plan->root_tree >= child->launch->tree_count) cl_fail(child, CL_STAGE_ROOT, 0, EBADF);
    int root = child->launch->trees[plan->root_tree];
    if (child->has_mount_namespace && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        cl_fail(child, CL_STAGE_PROPAGATION, 0, errno);
    /* at its own path, so that hooks find it there; where the path is closed to a user namespace, anywhere */
    int placed = plan->root ? move_mount(root, "", AT_FDCWD, plan->root, MOVE_MOUNT_F_EMPTY_PATH) : -1;
    if (placed < 0 && child->has_mount_namespace)
        placed = move_mount(root, "", AT_FDCWD, "/sys", MOVE_MOUNT_F_EMPTY_PATH);
    if (placed < 0) cl_fail(child, CL_STAGE_ROOT, 0, errno);
    if (plan->flags & CL_PLAN_HOOKS) {
        cl_tell(child, CL_STATUS_CREATED);
        cl_await_byte(child);
    }
    make_early(child);
    if (!child->has_mount_namespace) return confine(child, root);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) cl_fail(child, CL_STAGE_PROPAGATION, 0, errno);
    if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0) cl_fail(child, CL_STAGE_PIVOT, 0, errno);
    if (CL_KEEPS(HOST_FILES) && umount2(".", MNT_DETACH) < 0) cl_fail(child, CL_STAGE_PIVOT, 1, errno);
    if (chdir("/") < 0) cl_fail(child, CL_STAGE_PIVOT, 2, errno);
    child->root = root;
}

void cl_spread_root(const struct cl_child *child) {
    uint32_t spread = child->plan->root_spread;
    if (spread && mount(NULL, "/", NULL, spread, NULL) < 0) cl_fail(child, CL_STAGE_PROPAGATION, 1, errno);
}
