#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "child.h"

static const struct {
    const char *name;
    uint32_t major, minor;
} nodes[] = {
    {"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};
static const struct {
    const char *name, *target;
} links[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};
static const char *const directories[] = {"pts", "shm", "mqueue"};

/* A node the plan asks for. The tree is new and detached: nothing in it comes from the image. */
static int make_device(const struct cl_child *child, int tree, const struct cl_device *device) {
    const char *path = device->path + 5;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    int parent = tree;
    if (slash) {
        char directory[4096];
        size_t length = (size_t)(slash - path);
        if (length >= sizeof directory) return errno = ENAMETOOLONG, -1;
        memcpy(directory, path, length);
        directory[length] = 0;
        parent = cl_make_directories(tree, directory, RESOLVE_NO_SYMLINKS);
        if (parent < 0) return -1;
    }
    int bad = mknodat(parent, name, device->mode, makedev(device->major, device->minor));
    if (bad && errno == EEXIST) bad = 0;
    /* the host's device stays the host's: an id that no map has is nobody in the pod's user namespace */
    uid_t uid = child->user < 0 ? device->uid : (uid_t)-2;
    gid_t gid = child->user < 0 ? device->gid : (gid_t)-2;
    if (!bad && (uid || gid)) bad = fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW);
    int code = errno;
    if (parent != tree) close(parent);
    errno = code;
    return bad;
}

/* Whether what is there already is the same device. */
static int is_same(int parent, const char *name, const struct cl_device *device) {
    struct stat status;
    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return 0;
    if ((status.st_mode ^ device->mode) & S_IFMT) return 0;
    return S_ISFIFO(status.st_mode) || status.st_rdev == makedev(device->major, device->minor);
}

/* The directory of a node; that of the one before it where it is the same, as it mostly is. */
static int open_parent(const struct cl_child *child, const struct cl_device *device, const struct cl_device *before, int parent) {
    char directory[4096];
    size_t length = (size_t)(strrchr(device->path, '/') - device->path);
    if (length >= sizeof directory) return errno = ENAMETOOLONG, -1;
    if (parent >= 0 && (size_t)(strrchr(before->path, '/') - before->path) == length && memcmp(before->path, device->path, length) == 0)
        return parent;
    memcpy(directory, device->path, length);
    directory[length] = 0;
    if (parent >= 0) close(parent);
    return cl_make_directories(child->root, directory, CL_KEEPS(LINKS) ? RESOLVE_NO_SYMLINKS : 0);
}

static int make_node(int parent, const struct cl_device *device) {
    const char *name = strrchr(device->path, '/') + 1;
    int bad = mknodat(parent, name, device->mode, makedev(device->major, device->minor));
    if (bad && errno == EEXIST) return is_same(parent, name, device) ? 0 : (errno = EEXIST, -1);
    if (!bad && (device->uid || device->gid)) bad = fchownat(parent, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW);
    return bad;
}

/* The plan's nodes wherever they are to be, and the links of /dev; those that exist stay. */
void cl_make_nodes(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    int parent = -1;
    for (uint32_t i = 0; i < plan->device_count; i++) {
        parent = open_parent(child, &plan->devices[i], i ? &plan->devices[i - 1] : NULL, parent);
        if (parent < 0 || make_node(parent, &plan->devices[i]) < 0) cl_fail(child, CL_STAGE_DEVICES, i, errno);
    }
    if (parent >= 0) close(parent);
    child->devices = cl_make_directories(child->root, "/dev", CL_KEEPS(LINKS) ? RESOLVE_NO_SYMLINKS : 0);
    if (child->devices < 0) cl_fail(child, CL_STAGE_DEVICES, UINT32_MAX, errno);
    for (size_t i = 0; plan->flags & CL_PLAN_DEVICE_LINKS && i < sizeof links / sizeof links[0]; i++)
        if (symlinkat(links[i].target, child->devices, links[i].name) < 0 && errno != EEXIST)
            cl_fail(child, CL_STAGE_DEVICES, UINT32_MAX, errno);
}

int cl_device_tree(struct cl_child *child, const struct cl_mount *mount) {
    static const char options[] = "mode=755\0size=65536k";
    int tree = cl_new_mount("tmpfs", options, sizeof options, cl_attributes(mount->flags & ~CL_MOUNT_READ_ONLY), child->plan->mount_label);
    if (tree < 0) return -1;
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        if (mkdirat(tree, directories[i], 0755) < 0) return -1;
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++)
        if (mknodat(tree, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0) return -1;
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        if (symlinkat(links[i].target, tree, links[i].name) < 0) return -1;
    for (uint32_t i = 0; i < child->plan->device_count; i++)
        if (make_device(child, tree, &child->plan->devices[i]) < 0) cl_fail(child, CL_STAGE_DEVICES, i, errno);
    child->devices = tree;
    return tree;
}

void cl_attach_pts(struct cl_child *child) {
    static const char options[] = "newinstance\0ptmxmode=0666\0mode=0620\0gid=5";
    int pts = cl_new_mount("devpts", options, sizeof options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, child->plan->mount_label);
    if (pts < 0 || move_mount(pts, "", child->devices, "pts", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        cl_fail(child, CL_STAGE_DEVICES, UINT32_MAX, errno);
    close(pts);
}
