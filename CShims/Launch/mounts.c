#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

uint64_t cl_attributes(uint32_t flags) {
    uint64_t attributes = 0;
    if (flags & CL_MOUNT_READ_ONLY) attributes |= MOUNT_ATTR_RDONLY;
    if (flags & CL_MOUNT_NO_SUID) attributes |= MOUNT_ATTR_NOSUID;
    if (flags & CL_MOUNT_NO_DEVICES) attributes |= MOUNT_ATTR_NODEV;
    if (flags & CL_MOUNT_NO_EXEC) attributes |= MOUNT_ATTR_NOEXEC;
    return attributes;
}

int cl_attach(int tree, int target) {
    return move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* In the older call's options, which commas part, quotes hold a label together. */
static int configure_quoted(int context, const char *key, const char *text) {
    char value[256];
    size_t length = strcspn(text, "\"");
    if (length >= sizeof value || strcmp(text + length, "\"") != 0) return errno = EINVAL, -1;
    memcpy(value, text, length);
    value[length] = 0;
    return fsconfig(context, FSCONFIG_SET_STRING, key, value, 0);
}

/* One "key=value" or "key" of a new filesystem. */
static int configure(int context, const char *option) {
    char key[64];
    const char *equals = strchr(option, '=');
    if (!equals) return fsconfig(context, FSCONFIG_SET_FLAG, option, NULL, 0);
    size_t length = (size_t)(equals - option);
    if (length >= sizeof key) return errno = EINVAL, -1;
    memcpy(key, option, length);
    key[length] = 0;
    if (equals[1] == '"' && cl_is_context(key)) return configure_quoted(context, key, equals + 2);
    return fsconfig(context, FSCONFIG_SET_STRING, key, equals + 1, 0);
}

int cl_has_option(const char *options, uint32_t options_size, const char *beginning) {
    for (uint32_t at = 0; at < options_size; at += (uint32_t)strlen(options + at) + 1)
        if (strncmp(options + at, beginning, strlen(beginning)) == 0) return 1;
    return 0;
}

/* The option at fault, and the first error of the log that the kernel keeps with a context: "e tmpfs: Unknown parameter 'x'". */
static void tell_cause(int context, const char *option, char *said) {
    char line[CL_WORDS];
    ssize_t size;
    if (!said) return;
    int length = snprintf(said, CL_WORDS, "%.*s\n", CL_WORDS / 2, option);
    while ((size = read(context, line, sizeof line)) > 0) {
        if (line[0] != 'e' || size < 2) continue;
        snprintf(said + length, (size_t)(CL_WORDS - length), "%.*s", (int)size - 2, line + 2);
        return;
    }
}

int cl_new_mount(const char *filesystem, const char *options, uint32_t options_size, uint64_t attributes, const char *label) {
    return cl_new_filesystem(filesystem, filesystem, options, options_size, attributes, -1, label, NULL);
}

int cl_new_filesystem(const char *type, const char *source, const char *options, uint32_t options_size,
                      uint64_t attributes, int pid_namespace, const char *label, char *said) {
    const char *context_label = cl_label_of_mount(type, options, options_size, label);
    int tree = -1, context = fsopen(type, FSOPEN_CLOEXEC);
    if (context < 0) return -1;
    const char *fault = "";
    int bad = fsconfig(context, FSCONFIG_SET_STRING, "source", source, 0);
    if (!bad && pid_namespace >= 0 && strcmp(type, "proc") == 0) bad = fsconfig(context, FSCONFIG_SET_FD, "pidns", NULL, pid_namespace);
    for (uint32_t at = 0; !bad && at < options_size; at += (uint32_t)strlen(options + at) + 1)
        if ((bad = configure(context, options + at))) fault = options + at;
    if (!bad && context_label && (bad = fsconfig(context, FSCONFIG_SET_STRING, "context", context_label, 0))) fault = context_label;
    if (!bad && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        tree = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
    int code = errno;
    if (tree >= 0 && cl_label_root(tree, type, label) < 0) {
        code = errno;
        fault = label;
        close(tree);
        tree = -1;
    }
    if (tree < 0) tell_cause(context, fault, said);
    close(context);
    errno = code;
    return tree;
}

int cl_settle(int tree, uint32_t flags, uint32_t propagation) {
    struct mount_attr all = {
        .propagation = propagation == CL_PROPAGATION_BOTH ? MS_SHARED
                       : propagation == CL_PROPAGATION_FROM_HOST ? MS_SLAVE : MS_PRIVATE,
    };
    struct mount_attr own = {.attr_set = cl_attributes(flags)};
    if (flags & CL_MOUNT_RECURSIVE_ATTRIBUTES) {
        all.attr_set = own.attr_set;
        own.attr_set = 0;
    }
    if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &all, sizeof all) < 0) return -1;
    return own.attr_set ? mount_setattr(tree, "", AT_EMPTY_PATH, &own, sizeof own) : 0;
}

/* Sources on the host, cloned while it is in sight and its propagation stands. */
void cl_open_sources(struct cl_child *child) {
    for (uint32_t i = 0; i < child->plan->mount_count; i++) {
        const struct cl_mount *mount = &child->plan->mounts[i];
        int tree = -1;
        if (mount->kind == CL_MOUNT_BIND) {
            unsigned deep = mount->flags & CL_MOUNT_RECURSIVE ? AT_RECURSIVE : 0;
            tree = open_tree(AT_FDCWD, mount->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | deep);
            if (tree < 0 && errno == ENOENT && mount->flags & CL_MOUNT_MAKE_SOURCE && cl_make_source(mount->source) == 0)
                tree = open_tree(AT_FDCWD, mount->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | deep);
        } else if (mount->kind == CL_MOUNT_TREE) {
            if (mount->tree < 0 || (uint32_t)mount->tree >= child->launch->tree_count)
                cl_fail(child, CL_STAGE_MOUNT_SOURCE, i, EBADF);
            tree = child->launch->trees[mount->tree];
        } else {
            child->trees[i] = -1;
            continue;
        }
        if (tree < 0 || cl_settle(tree, mount->flags, mount->propagation) < 0)
            cl_fail(child, CL_STAGE_MOUNT_SOURCE, i, errno);
        /* not what is mounted beneath: those files stay somebody else's */
        if (child->user >= 0 && mount->flags & CL_MOUNT_MAPPED && cl_map_ids(tree, child->user) < 0)
            cl_fail(child, CL_STAGE_IDENTITIES, i | CL_IDENTITIES_OF_MOUNT, errno);
        child->trees[i] = tree;
    }
}

/* A configuration string holds 256 bytes, the older call's options a page. That call mounts on a path: any directory serves, it is
 * covered in this namespace alone and for a moment. */
static int paged_overlay(const char *lower, const char *directories[2], int is_volatile, const char *label) {
    char options[4096], context[CL_LONGEST_LABEL + 16] = "";
    if (label) snprintf(context, sizeof context, ",context=\"%s\"", label);
    int wrote = directories ? snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s%s%s", lower,
                                       directories[0], directories[1], is_volatile ? ",volatile" : "", context)
                            : snprintf(options, sizeof options, "lowerdir=%s%s", lower, context);
    if (wrote < 0 || (size_t)wrote >= sizeof options) return errno = E2BIG, -1;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -1;
    if (mount("overlay", "/sys", "overlay", 0, options) < 0) return -1;
    int tree = open_tree(AT_FDCWD, "/sys", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), cause = errno;
    if (umount2("/sys", MNT_DETACH) < 0) return -1;
    return errno = cause, tree;
}

/* Unmounting what is volatile does not sync the disk beneath, for which the end of every container would wait. Nothing is lost that would be kept:
 * a container's layer ends with it, and after a power cut the pod gets new containers. */
static int make_overlay(const char *lower, const char *directories[2], int is_volatile, const char *label) {
    static const char *const keys[2] = {"upperdir", "workdir"};
    if (strlen(lower) >= 256) return paged_overlay(lower, directories, is_volatile, label);
    int context = fsopen("overlay", FSOPEN_CLOEXEC);
    if (context < 0) return -1;
    if (fsconfig(context, FSCONFIG_SET_STRING, "source", "overlay", 0) < 0) return -1;
    if (fsconfig(context, FSCONFIG_SET_STRING, "lowerdir", lower, 0) < 0) return -1;
    for (int i = 0; directories && i < 2; i++)
        if (fsconfig(context, FSCONFIG_SET_STRING, keys[i], directories[i], 0) < 0) return -1;
    if (is_volatile && fsconfig(context, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0) return -1;
    if (label && fsconfig(context, FSCONFIG_SET_STRING, "context", label, 0) < 0) return -1;
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) return -1;
    return fsmount(context, FSMOUNT_CLOEXEC, 0);
}

/* An overlay over descriptors: what names directories is short, so they are named by number, as seen from /proc/self/fd. */
static int overlay(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    char lower[3072], numbers[2][16];
    size_t length = 0;
    if (chdir("/proc/self/fd") < 0) return -1;
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        int layer = open(plan->layers[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (layer < 0) cl_fail(child, CL_STAGE_OVERLAY, i, errno);
        int wrote = snprintf(lower + length, sizeof lower - length, i ? ":%d" : "%d", layer);
        if (wrote < 0 || (length += (size_t)wrote) >= sizeof lower) return errno = E2BIG, -1;
    }
    if (!plan->upper) return make_overlay(lower, NULL, 0, plan->mount_label);
    const char *paths[2] = {plan->upper, plan->work}, *directories[2] = {numbers[0], numbers[1]};
    for (int i = 0; i < 2; i++) {
        int directory = open(paths[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0) cl_fail(child, CL_STAGE_OVERLAY, plan->layer_count + (uint32_t)i, errno);
        snprintf(numbers[i], sizeof numbers[i], "%d", directory);
    }
    int tree = make_overlay(lower, directories, 1, plan->mount_label);
    /* refused where the disk beneath has failed a write since somebody last synced it */
    return tree < 0 && errno == EIO ? make_overlay(lower, directories, 0, plan->mount_label) : tree;
}

int cl_root_tree(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    if (plan->layer_count) {
        int tree = overlay(child);
        if (tree < 0) cl_fail(child, CL_STAGE_OVERLAY, UINT32_MAX, errno);
        return tree;
    }
    int tree = -1;
    if (plan->root) tree = open_tree(AT_FDCWD, plan->root, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    else errno = EINVAL;
    if (tree < 0 || cl_settle(tree, 0, CL_PROPAGATION_PRIVATE) < 0) cl_fail(child, CL_STAGE_ROOT, 0, errno);
    return tree;
}

/* They run with the host in sight, which is for nobody else: where others' processes could look on, or where its root may not open the host's paths, there
 * are none. */
static void fill_for_hooks(struct cl_child *child) {
    if (child->processes >= 0 || child->user >= 0 || !child->plan->bundle) cl_fail(child, CL_STAGE_HOOK, 0, EINVAL);
    cl_make_cgroup_namespace(child);
    cl_make_mounts(child);
    if (child->plan->flags & CL_PLAN_AWAIT) {
        cl_tell(child, CL_STATUS_CREATED);
        cl_await_byte(child);
    }
    cl_run_hooks(child, CL_HOOK_CREATE);
}

void cl_enter_root(struct cl_child *child) {
    if (child->plan->root_tree >= 0) return cl_enter_root_tree(child);
    if (child->ready_root < 0) cl_open_sources(child);
    int root = child->ready_root < 0 ? cl_root_tree(child) : child->ready_root;
    if (child->user >= 0) cl_make_visible(child);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) cl_fail(child, CL_STAGE_PROPAGATION, 0, errno);
    /* Any directory serves as the place to attach: it is covered in this namespace alone, and gone a moment later. Hooks know one. */
    int hooks = child->plan->flags & CL_PLAN_HOOKS;
    if (move_mount(root, "", AT_FDCWD, hooks ? child->plan->bundle_root : "/sys", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        cl_fail(child, CL_STAGE_PIVOT, 0, errno);
    child->root = root;
    if (hooks) fill_for_hooks(child);
    if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0) cl_fail(child, CL_STAGE_PIVOT, 0, errno);
    /* the host's tree now lies over the container's root: with it gone, no path leads there */
    if (CL_KEEPS(HOST_FILES) && umount2(".", MNT_DETACH) < 0) cl_fail(child, CL_STAGE_PIVOT, 1, errno);
    if (chdir("/") < 0) cl_fail(child, CL_STAGE_PIVOT, 2, errno);
}

/* The filesystem of a mount that is not a bind. */
int cl_fresh_tree(struct cl_child *child, const struct cl_mount *mount) {
    const char *label = child->plan->mount_label;
    uint64_t attributes = cl_attributes(mount->flags);
    switch (mount->kind) {
    case CL_MOUNT_TMPFS: return cl_new_mount("tmpfs", mount->options, mount->options_size, attributes, label);
    case CL_MOUNT_PROC: return cl_new_filesystem("proc", "proc", NULL, 0, attributes, child->pid_namespace, NULL, NULL);
    case CL_MOUNT_SYSFS: return cl_new_mount("sysfs", NULL, 0, attributes, NULL);
    case CL_MOUNT_CGROUP: return cl_new_mount("cgroup2", NULL, 0, attributes, NULL);
    case CL_MOUNT_MQUEUE: return cl_new_mount("mqueue", NULL, 0, attributes, cl_label_for(child->plan, "mqueue"));
    case CL_MOUNT_DEVICES: return cl_device_tree(child, mount);
    }
    return errno = EINVAL, -1;
}

void cl_make_mounts(struct cl_child *child) {
    for (uint32_t i = 0; i < child->plan->mount_count; i++) {
        const struct cl_mount *mount = &child->plan->mounts[i];
        if (mount->kind == CL_MOUNT_FILESYSTEM || mount->kind == CL_MOUNT_OWN) {
            (mount->kind == CL_MOUNT_OWN ? cl_keep_writable : cl_make_filesystem)(child, i);
            continue;
        }
        int tree = child->trees[i], directory = 1;
        uint64_t resolve = 0;
        if (mount->kind != CL_MOUNT_BIND && mount->kind != CL_MOUNT_TREE) {
            /* the kernel's own filesystems never follow a link that an image laid in their way */
            resolve = mount->kind == CL_MOUNT_TMPFS ? 0 : RESOLVE_NO_SYMLINKS;
            if (tree < 0) tree = cl_fresh_tree(child, mount);
            if (tree < 0) cl_fail(child, CL_STAGE_MOUNT, i, errno);
        } else {
            struct stat status;
            if (fstat(tree, &status) < 0) cl_fail(child, CL_STAGE_MOUNT_SOURCE, i, errno);
            directory = S_ISDIR(status.st_mode);
        }
        int target = cl_make_target(child->root, mount->target, directory, resolve);
        if (target < 0) cl_fail(child, CL_STAGE_MOUNT_TARGET, i, errno);
        if (cl_attach(tree, target) < 0) cl_fail(child, CL_STAGE_MOUNT, i, errno);
        close(target);
        if (mount->kind == CL_MOUNT_DEVICES) cl_attach_pts(child);
        else close(tree);
    }
}
