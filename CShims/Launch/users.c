#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

/* A pod with a user namespace of its own: the namespace owns the pod's network, ipc and uts namespaces, which the monitor is in, so the
 * monitor finds it by them and keeps no record. The root of such a namespace may neither mount the host's filesystems nor map ids, so a
 * process between the monitor and the container, which still has the host's rights, makes those trees and hands them over. Files of
 * images and volumes keep the ids on disk that the container knows them by; only mounts map them. What the container writes beside them is
 * its user's by the host's numbers, since an overlay's upper layer cannot be mapped: its maker has no id there. */

int cl_pod_user(void) {
    struct stat own, found;
    int network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (network < 0) return CL_USER_UNKNOWN;
    int user = ioctl(network, NS_GET_USERNS), code = errno;
    close(network);
    errno = code;
    /* EPERM: its owner is above us */
    if (user < 0) return code == EPERM ? CL_USER_NONE : CL_USER_UNKNOWN;
    int known = stat("/proc/self/ns/user", &own) == 0 && fstat(user, &found) == 0;
    if (known && (own.st_ino != found.st_ino || own.st_dev != found.st_dev)) return user;
    code = errno;
    close(user);
    errno = code;
    return known ? CL_USER_NONE : CL_USER_UNKNOWN;
}

int cl_map_ids(int tree, int user) {
    struct mount_attr mapped = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user};
    return mount_setattr(tree, "", AT_EMPTY_PATH, &mapped, sizeof mapped);
}

/* Covers a directory by itself, as the namespace's ids have it. In a mount namespace of our own: an overlay takes no layers that lie in none. */
static int cover(const char *path, int user) {
    int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) return -1;
    int done = cl_map_ids(tree, user);
    if (done == 0) done = move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
    int code = errno;
    close(tree);
    errno = code;
    return done;
}

static void make_root(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    if (unshare(CLONE_NEWNS) < 0) cl_fail(child, CL_STAGE_NAMESPACES, 0, errno);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) cl_fail(child, CL_STAGE_PROPAGATION, 0, errno);
    if (plan->layer_count == 0 && plan->root && cover(plan->root, child->user) < 0)
        cl_fail(child, CL_STAGE_IDENTITIES, 0, errno);
    for (uint32_t i = 0; i < plan->layer_count; i++)
        if (cover(plan->layers[i], child->user) < 0) cl_fail(child, CL_STAGE_IDENTITIES, i, errno);
    child->ready_root = cl_root_tree(child);
}

void cl_prepare(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    umask(0);
    cl_set_oom_score(child);
    cl_open_sources(child);
    make_root(child);
    for (uint32_t i = 0; i < plan->mount_count; i++) {
        if (plan->mounts[i].kind != CL_MOUNT_DEVICES) continue;
        child->trees[i] = cl_device_tree(child, &plan->mounts[i]);
        if (child->trees[i] < 0 || cl_map_ids(child->trees[i], child->user) < 0)
            cl_fail(child, CL_STAGE_DEVICES, UINT32_MAX, errno);
    }
}

void cl_make_visible(struct cl_child *child) {
    for (uint32_t i = 0; i < child->plan->mount_count; i++) {
        const struct cl_mount *mount = &child->plan->mounts[i];
        if (mount->kind != CL_MOUNT_PROC && mount->kind != CL_MOUNT_SYSFS) continue;
        child->trees[i] = cl_fresh_tree(child, mount);
        if (child->trees[i] < 0) cl_fail(child, CL_STAGE_MOUNT, i, errno);
    }
}
