#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "child.h"

/* What security modules call the program to come, its keyring and what is mounted for it. */

static const char selinux_program[] = "/proc/self/attr/exec", selinux_keys[] = "/proc/self/attr/keycreate";

static int write_label(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t wrote = write(file, text, strlen(text));
    int code = errno;
    close(file);
    return errno = code, wrote < 0 ? -1 : 0;
}

void cl_label_program(const struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    if (CL_KEEPS(LABEL) && plan->label_file && write_label(plan->label_file, plan->label) < 0) cl_fail(child, CL_STAGE_LABEL, 0, errno);
}

void cl_label_keys(const struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    if (!CL_KEEPS(LABEL) || !plan->label_file || strcmp(plan->label_file, selinux_program) != 0) return;
    if (write_label(selinux_keys, plan->label) < 0) cl_fail(child, CL_STAGE_LABEL, 1, errno);
}

static int is_one_of(const char *word, const char *const *words) {
    for (; *words; words++)
        if (strcmp(word, *words) == 0) return 1;
    return 0;
}

/* A filesystem of message queues is there as soon as its namespace, and has no other label for a second mount; its files may have. */
static int has_label_of_namespace(const char *type) { return strcmp(type, "mqueue") == 0; }

const char *cl_label_of_mount(const char *type, const char *options, uint32_t options_size, const char *label) {
    /* what the kernel labels itself, and what there is but one of: it has the label that it was first mounted with */
    static const char *const fixed[] = {"proc", "sysfs", "cgroup", "cgroup2", "devtmpfs", "debugfs", "tracefs", "securityfs", "selinuxfs",
                                        "configfs", "pstore", "efivarfs", "fusectl", "binfmt_misc", NULL};
    if (!label || has_label_of_namespace(type) || is_one_of(type, fixed)) return NULL;
    /* the kernel takes one of the two */
    return cl_has_option(options, options_size, "context=") || cl_has_option(options, options_size, "defcontext=") ? NULL : label;
}

const char *cl_label_for(const struct cl_plan *plan, const char *type) {
    return has_label_of_namespace(type) && !(plan->flags & CL_PLAN_OWN_QUEUES) ? NULL : plan->mount_label;
}

int cl_label_root(int tree, const char *type, const char *label) {
    if (!label || !has_label_of_namespace(type)) return 0;
    int root = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return -1;
    int done = fsetxattr(root, "security.selinux", label, strlen(label) + 1, 0), code = errno;
    close(root);
    return errno = code, done;
}

int cl_is_context(const char *key) {
    static const char *const keys[] = {"context", "fscontext", "defcontext", "rootcontext", NULL};
    return is_one_of(key, keys);
}
