#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

/* Mounts of a runtime specification: any filesystem with any option, detached trees, changes of what is there. */

enum { LEFT_OUT = -1, MADE_LATE = -2 }; /* in the place of a tree */

static int has_long_option(const struct cl_mount *mount) {
    for (uint32_t at = 0; at < mount->options_size; at += (uint32_t)strlen(mount->options + at) + 1)
        if (strlen(mount->options + at) > CL_LONGEST_OPTION) return 1;
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

/* By mount(2), which takes a page of options. */
static int mount_old_way(const struct cl_child *child, const struct cl_mount *wanted, const char *place) {
    char data[4096];
    size_t length = 0;
    const char *label = cl_label_of_mount(wanted->type, wanted->options, wanted->options_size, child->plan->mount_label);
    if (label) length = (size_t)snprintf(data, sizeof data, "context=\"%s\"", label);
    for (uint32_t at = 0; at < wanted->options_size; at += (uint32_t)strlen(wanted->options + at) + 1) {
        size_t size = strlen(wanted->options + at);
        if (length + size + 2 > sizeof data) return errno = E2BIG, -1;
        if (length) data[length++] = ',';
        memcpy(data + length, wanted->options + at, size);
        length += size;
    }
    data[length] = 0;
    return mount(wanted->source, place, wanted->type, old_flags(wanted->set), data);
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

/* Where what is mounted is out of everybody's sight, in a mount namespace of our own, and gone with the host's tree. */
static const char covered_directory[] = "/sys", covered_file[] = "/dev/null";

/* Hooks find the host as it is. */
static int uncover(const struct cl_child *child, const char *place) {
    return child->plan->flags & CL_PLAN_HOOKS ? umount2(place, MNT_DETACH) : 0;
}

/* A source was copied by the caller, with rights that we may not have, before anything of ours was made. What is attached in our own namespace we
 * may copy as well. Where nothing can be covered, the caller's copy serves itself if the kernel makes no other of it (before 6.15). */
static int copied_in_turn(const struct cl_child *child, int given) {
    struct stat status;
    const char *place = NULL;
    if (child->has_mount_namespace) {
        if (fstat(given, &status) < 0) return -1;
        place = S_ISDIR(status.st_mode) ? covered_directory : covered_file;
        if (move_mount(given, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0) return given;
    }
    int tree = open_tree(given, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
    if (tree < 0) return child->has_mount_namespace ? -1 : given;
    /* what is attached over a source that is shared with the host would cover it there */
    struct mount_attr own = {.propagation = MS_PRIVATE};
    if (child->has_mount_namespace && mount_setattr(given, "", AT_EMPTY_PATH | AT_RECURSIVE, &own, sizeof own) < 0) return -1;
    close(given);
    return place && uncover(child, place) < 0 ? -1 : tree;
}

/* A copy of what is unbindable there would be none. */
static int make_unbindable(int tree, uint32_t flags) {
    struct mount_attr unbindable = {.propagation = MS_UNBINDABLE};
    if (!(flags & CL_FILESYSTEM_UNBINDABLE)) return 0;
    return mount_setattr(tree, "", AT_EMPTY_PATH | (flags & CL_FILESYSTEM_BENEATH ? AT_RECURSIVE : 0), &unbindable, sizeof unbindable);
}

static int source_tree(const struct cl_child *child, const struct cl_mount *mount) {
    if ((uint32_t)mount->tree >= child->launch->tree_count) return errno = EBADF, -1;
    int tree = copied_in_turn(child, child->launch->trees[mount->tree]);
    return tree < 0 || make_unbindable(tree, mount->flags) < 0 ? -1 : tree;
}

static int new_tree(const struct cl_child *child, const struct cl_mount *mount, char said[CL_WORDS]) {
    if (!has_long_option(mount))
        return cl_new_filesystem(mount->type, mount->source, mount->options, mount->options_size, first_attributes(mount),
                                 child->pid_namespace, cl_label_for(child->plan, mount->type), said);
    if (!child->has_mount_namespace) return MADE_LATE;
    if (mount_old_way(child, mount, covered_directory) < 0) return -1;
    int tree = open_tree(AT_FDCWD, covered_directory, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    return uncover(child, covered_directory) < 0 ? -1 : tree;
}

static void refuse(const struct cl_child *child, uint32_t index, const char *said) {
    if (!(child->plan->mounts[index].flags & CL_FILESYSTEM_OPTIONAL)) cl_fail_saying(child, CL_STAGE_MOUNT, index, errno, said);
    cl_warn_saying(child, CL_STAGE_MOUNT, index, errno, said);
}

/* What the mounts of the plan attach, made in their order: since Linux 6.8 mounts are listed by when they were made. While the host is in sight: what
 * a filesystem is made of is named by the host's paths, and in a user namespace the kernel lets out new procfs and sysfs only where an unobstructed one
 * is in sight. */
static void make_trees(struct cl_child *child) {
    for (uint32_t i = 0; i < child->plan->mount_count; i++) {
        const struct cl_mount *mount = &child->plan->mounts[i];
        char said[CL_WORDS] = "";
        child->trees[i] = LEFT_OUT;
        if (mount->kind != CL_MOUNT_FILESYSTEM || mount->flags & CL_FILESYSTEM_CHANGE) continue;
        child->trees[i] = mount->tree >= 0 ? source_tree(child, mount) : new_tree(child, mount, said);
        if (child->trees[i] == LEFT_OUT) refuse(child, i, said);
    }
}

/* A tmpfs whose mode nobody says is to whom its directory is, where an image has one: /tmp to all, and /root to root. */
static int keep_mode(const struct cl_child *child, const struct cl_mount *mount, int tree) {
    struct stat status;
    if (tree < 0 || mount->tree >= 0 || strcmp(mount->type, "tmpfs") != 0 || cl_has_option(mount->options, mount->options_size, "mode=")) return 0;
    int target = cl_open_inside(child->root, mount->target, O_PATH | O_DIRECTORY, 0);
    if (target < 0) return errno == ENOENT ? 0 : -1;
    int done = fstat(target, &status);
    close(target);
    return done < 0 ? -1 : fchmodat(tree, ".", status.st_mode & 07777, 0);
}

static int attach(const struct cl_child *child, uint32_t index) {
    const struct cl_mount *mount = &child->plan->mounts[index];
    int tree = child->trees[index], done = keep_mode(child, mount, tree);
    if (done < 0) cl_fail(child, CL_STAGE_MOUNT_TARGET, index, errno);
    int target = make_target(child, mount, mount->tree >= 0 ? tree : -1);
    if (target < 0) cl_fail(child, CL_STAGE_MOUNT_TARGET, index, errno);
    if (tree == MADE_LATE) done = fchdir(target) < 0 || mount_old_way(child, mount, ".") < 0 ? -1 : chdir("/");
    else if (mount->flags & CL_FILESYSTEM_COPY_UP) done = cl_copy_tree(target, tree);
    if (done == 0 && tree != MADE_LATE) done = cl_attach(tree, target);
    int code = errno;
    close(target);
    if (tree >= 0) close(tree);
    errno = code;
    return done;
}

void cl_make_filesystem(struct cl_child *child, uint32_t index) {
    const struct cl_mount *mount = &child->plan->mounts[index];
    int changes = mount->flags & CL_FILESYSTEM_CHANGE;
    if (!changes && child->trees[index] == LEFT_OUT) return;
    if ((changes ? change(child, mount) : attach(child, index)) < 0) refuse(child, index, "");
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

/* Hooks run while the root lies at its own path, with all that is mounted in it: those of vendors look for files that were bound there. */
static void let_hooks_run(struct cl_child *child, int root) {
    child->root = root;
    cl_make_mounts(child);
    cl_tell(child, CL_STATUS_CREATED);
    cl_await_byte(child);
    cl_end_others();
}

/* Into the mount namespace that was made ahead. Up to then what we see is the host's own, where nothing may be covered. */
static void join_root(struct cl_child *child, int root) {
    child->has_mount_namespace = 0;
    make_trees(child);
    if (setns(child->root_namespace, CLONE_NEWNS) < 0) cl_fail(child, CL_STAGE_NAMESPACES, 0, errno);
    /* one enters at the namespace's own root: of who lives in a chroot that is another than was changed */
    if (CL_KEEPS(OWN_ROOT) && (fchdir(root) < 0 || chroot(".") < 0)) cl_fail(child, CL_STAGE_PIVOT, 2, errno);
    child->has_mount_namespace = 1;
    child->root = root;
}

void cl_enter_root_tree(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    if ((uint32_t)plan->root_tree >= child->launch->tree_count) cl_fail(child, CL_STAGE_ROOT, 0, EBADF);
    int root = child->launch->trees[plan->root_tree];
    if (child->root_namespace >= 0) return join_root(child, root);
    if (child->has_mount_namespace && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        cl_fail(child, CL_STAGE_PROPAGATION, 0, errno);
    /* at its own path, so that hooks find it there; where the path is closed to a user namespace, anywhere but where sources are covered */
    int placed = plan->root ? move_mount(root, "", AT_FDCWD, plan->root, MOVE_MOUNT_F_EMPTY_PATH) : -1;
    if (placed < 0 && child->has_mount_namespace)
        placed = move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
    if (placed < 0) cl_fail(child, CL_STAGE_ROOT, 0, errno);
    int hooks = plan->flags & CL_PLAN_HOOKS;
    make_trees(child);
    if (hooks) let_hooks_run(child, root);
    if (!child->has_mount_namespace) return confine(child, root);
    /* what is mounted in the root already keeps its propagation; the host's tree goes as a slave as well */
    if (!hooks && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) cl_fail(child, CL_STAGE_PROPAGATION, 0, errno);
    if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0) cl_fail(child, CL_STAGE_PIVOT, 0, errno);
    if (CL_KEEPS(HOST_FILES) && umount2(".", MNT_DETACH) < 0) cl_fail(child, CL_STAGE_PIVOT, 1, errno);
    if (chdir("/") < 0) cl_fail(child, CL_STAGE_PIVOT, 2, errno);
    child->root = root;
}

void cl_spread_root(const struct cl_child *child) {
    uint32_t spread = child->plan->root_spread;
    if (spread && mount(NULL, "/", NULL, spread, NULL) < 0) cl_fail(child, CL_STAGE_PROPAGATION, 1, errno);
}

/* The root becomes read-only as one mount: what is bound over itself before then is another. */
void cl_keep_writable(struct cl_child *child, uint32_t index) {
    int target = cl_make_target(child->root, child->plan->mounts[index].target, 1, 0);
    if (target < 0) cl_fail(child, CL_STAGE_MOUNT_TARGET, index, errno);
    if (child->plan->flags & CL_PLAN_ROOT_READ_ONLY) {
        int tree = open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
        if (tree < 0 || cl_attach(tree, target) < 0) cl_fail(child, CL_STAGE_MOUNT, index, errno);
        close(tree);
    }
    close(target);
}
