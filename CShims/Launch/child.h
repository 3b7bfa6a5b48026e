/* Between clone and execve, on both sides: no allocation in the child. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "claunch.h"

/* The protections a test can take out, one a build, to show that its checks would see it: integration/launch/weakened.sh and
 * integration/oci/weakened.sh compile with -DCL_WEAKEN=n. An ordinary build keeps them all. */
enum {
    CL_PROTECT_PID_NAMESPACE = 1,
    CL_PROTECT_SECCOMP = 2,
    CL_PROTECT_CAPABILITIES = 3,
    CL_PROTECT_MASKED_PATHS = 4,
    CL_PROTECT_READ_ONLY_PATHS = 5,
    CL_PROTECT_DESCRIPTORS = 6,
    CL_PROTECT_HOST_FILES = 7,
    CL_PROTECT_DEVICES = 8,
    CL_PROTECT_CGROUP_NAMESPACE = 9,
    CL_PROTECT_PRIVILEGES = 10,
    CL_PROTECT_PARENT_DEATH = 11,
    CL_PROTECT_USER = 12,
    CL_PROTECT_OWN_FILE = 13,
    CL_PROTECT_LINKS = 14,
    CL_PROTECT_NULL_DEVICE = 15,
    CL_PROTECT_MEMORY = 16,
    CL_PROTECT_SIGHT = 17,
    CL_PROTECT_STREAMS = 18,
    CL_PROTECT_RIGHTS = 19,
    CL_PROTECT_LEFT_RUNNING = 20,
    CL_PROTECT_NUMBER = 21,
    CL_PROTECT_LABEL = 22,
    CL_PROTECT_MOUNT_LABEL = 23,
    CL_PROTECT_OWN_ROOT = 24,
};
#ifndef CL_WEAKEN
#define CL_WEAKEN 0
#endif
#define CL_KEEPS(protection) (CL_WEAKEN != CL_PROTECT_##protection)

struct cl_child {
    const struct cl_launch *launch;
    const struct cl_plan *plan;
    int control;
    int callers_end; /* of the control socket; -1 once it is closed */
    int root;    /* the container's root, once it is one */
    int devices; /* the container's own /dev, -1 without */
    int oom_score;
    int has_oom_score;
    uint64_t begun;          /* when the call was made that it is on its way for */
    int is_filtered;         /* its seccomp filter is loaded */
    int has_mount_namespace; /* of its own, in a plan with explicit namespaces */
    uint32_t late_kinds;     /* of those to join, by itself */
    int network;             /* the network namespace that was made ahead, -1 */
    int root_namespace;      /* and the mount namespace, whose root is the plan's; -1 */
    int user;                /* the pod's own user namespace, -1 without */
    int processes;           /* the pid namespace, or its first process, for who clones by a process between; -1 */
    int is_inside;           /* cloned by a process between that had left the host behind */
    int is_ready;            /* and had done all that there is to do until its program is to be executed */
    int pid_namespace;       /* the one that procfs is made for, where this is not ours; -1 */
    int has_given_up;        /* the rights that are not its program's */
    int ready_root;          /* the container's root where it was made beforehand, with the host's rights; -1 */
    int trees[CL_MAX_MOUNTS]; /* sources opened before the host goes out of sight */
};

/* Reports and ends the child. */
void cl_fail(const struct cl_child *child, uint32_t stage, uint32_t index, int code) __attribute__((noreturn));
void cl_warn(const struct cl_child *child, uint32_t stage, uint32_t index, int code);
/* The same with words to go with them, of CL_WORDS bytes at most. */
void cl_fail_saying(const struct cl_child *child, uint32_t stage, uint32_t index, int code, const char *said) __attribute__((noreturn));
void cl_warn_saying(const struct cl_child *child, uint32_t stage, uint32_t index, int code, const char *said);
void cl_tell(const struct cl_child *child, uint32_t kind);

/* The whole way. */
void cl_child_run(struct cl_child *child) __attribute__((noreturn));

/* What the process that becomes the container is judged by when memory is short. */
void cl_set_oom_score(const struct cl_child *child);

/* namespaces.c */
struct clone_args;
uint64_t cl_new_namespaces(const struct cl_plan *plan);
/* Clones into the plan's namespaces: 0 in the child, its pid, or that of the process between that makes it (out->between, else left alone); -1 with errno
 * and, at CL_STAGE_JOIN, the namespace at fault in out->index. */
pid_t cl_fork_explicit(struct cl_child *child, struct clone_args *args, struct cl_launched *out, uint32_t *stage);
void cl_enter_namespaces(struct cl_child *child);
void cl_become_root(const struct cl_plan *plan);
/* Waits for the parent, and ends with it. */
void cl_await_byte(const struct cl_child *child);

/* child.c: into the namespaces of the container that is joined, or the new one's root, with what is done through the host's procfs done: all but the
 * pid namespace. */
void cl_leave_host(struct cl_child *child);
/* The namespace's root is the group we were cloned into, so it cannot be made by clone itself. */
void cl_make_cgroup_namespace(const struct cl_child *child);
/* What is done before the process is in others' sight: all that asks for rights which its program has not, and the giving up of these. */
void cl_get_ready(struct cl_child *child, int told);
/* Closes all descriptors but these, -1 for none, and those that are handed on. */
void cl_keep_descriptors(const struct cl_child *child, const int *kept, int count);

/* between.c: a child made by a process between, for the caller to reap. What that process does before it clones:
 *
 *   `child` is NULL                                          joins `user`, -1 for none
 *   `user` >= 0                                              cl_prepare for a plan of a pod; joins `child->processes`, -1 for none, and `user`
 *   a new container of an explicit plan whose                joins `child->processes`
 *   `child->pid_namespace` is -1
 *   any other                                                from the child's group and namespaces: leaves the host, joins `child->processes`, and
 *                                                            does all of cl_get_ready, but where its procfs can only be made from within
 *
 * 0 in the child, or -1 with errno; else the pid of the process between, with `between` filled in. It may be held up by whoever is in the container, and by
 * file systems. */
pid_t cl_begin_within(int user, struct clone_args *args, struct cl_child *child, struct cl_between *between);
/* Takes its answer, once there is one or it has ended, and ends it; the caller collects it. 0 and the child, by its pid in the caller's pid namespace, or an
 * errno. */
int cl_finish_within(struct cl_between *between, pid_t *pid, int *pidfd);
/* Both, for a child that has nothing to prepare. 0 in the child, its pid, or -1 with errno. */
pid_t cl_clone_within(int user, struct clone_args *args, int *pidfd);
/* Closes what is the caller's alone, and neither the child's nor its namespaces': others' pipes and sockets are not to end late because the child is held up. A
 * command of its own has none. `user` and `told` are kept as well, -1 for none. */
void cl_let_go_of_others(struct cl_child *child, int user, int told);
/* The pid namespace that `child->processes` names, where a procfs can be made for it by who is not in it (Linux 6.17); -1. */
int cl_namespace_for_procfs(const struct cl_child *child);

/* onto.c: clone3 onto the stack that `args` names, for a child that shares our memory: it must not return through our frames. `run` does not return. The
 * child's pid or a negated errno. */
long cl_clone_onto(struct clone_args *args, size_t size, void (*run)(void *), void *argument);

/* users.c */
/* The user namespace that owns the network namespace we are in, where that is not our own: a descriptor, or CL_USER_NONE.
 * Where it cannot be known, CL_USER_UNKNOWN and errno: nothing may be started as if there were none. */
enum { CL_USER_NONE = -1, CL_USER_UNKNOWN = -2 };
int cl_pod_user(void);
int cl_map_ids(int tree, int user);
/* Makes, with the host's rights, what the root of the pod's user namespace may not make. */
void cl_prepare(struct cl_child *child);
/* In a user namespace the kernel lets out new procfs and sysfs only while unobstructed ones are in sight. */
void cl_make_visible(struct cl_child *child);

/* hooks_within.c: those of a station, in turn; one that fails ends the child. */
void cl_run_hooks(const struct cl_child *child, uint32_t station);
int cl_has_hooks(const struct cl_plan *plan, uint32_t station);
/* Ends what hooks of the host's have left running in the container's pid namespace: it would be a way out for who may trace there. Where the container has none
 * of its own nothing is ended: its hooks' processes are some among others. */
void cl_end_others(void);

/* filter.c: the seccomp filter, for good, or reports. Early, while the container is made that nobody has started: only where it lets pass
 * all that is to be done until then; the kernel takes a tenth of a millisecond for it, in which the next call comes to life. */
void cl_load_filter(struct cl_child *child);
void cl_load_filter_early(struct cl_child *child);
/* Whether the filter lets pass what a process does that is cloned behind it (cl_get_ready). */
int cl_can_clone_behind(const struct cl_plan *plan);

/* gate.c */
void cl_wait_at_gate(struct cl_child *child);
/* After its hooks, where it has some: its program is executed. */
void cl_tell_starter(const struct cl_child *child);
void cl_send_descriptor(const struct cl_child *child, uint32_t kind, uint32_t stage, int descriptor);

/* filesystems.c */
void cl_enter_root_tree(struct cl_child *child);
void cl_make_filesystem(struct cl_child *child, uint32_t index);
void cl_finish_filesystems(struct cl_child *child);
void cl_keep_writable(struct cl_child *child, uint32_t index);
void cl_spread_root(const struct cl_child *child);

/* copy.c: what a directory holds, into an empty tree. */
int cl_copy_tree(int source, int tree);

/* mounts.c */
void cl_enter_root(struct cl_child *child);
void cl_open_sources(struct cl_child *child);
int cl_root_tree(struct cl_child *child);
int cl_fresh_tree(struct cl_child *child, const struct cl_mount *mount);
void cl_make_mounts(struct cl_child *child);
int cl_new_mount(const char *filesystem, const char *options, uint32_t options_size, uint64_t attributes, const char *label);
int cl_has_option(const char *options, uint32_t options_size, const char *beginning);
/* `said`, of CL_WORDS bytes or NULL, gets what stood in the way: the option at fault, a newline, what the kernel says of it. Either may be empty.
 * `pid_namespace`: whose processes a procfs shows, -1 for our own. `label`: SELinux's, or NULL; for types that take one, where the options have none. */
int cl_new_filesystem(const char *type, const char *source, const char *options, uint32_t options_size,
                      uint64_t attributes, int pid_namespace, const char *label, char *said);
int cl_attach(int tree, int target);
uint64_t cl_attributes(uint32_t flags);
/* Attributes and propagation of a detached tree. */
int cl_settle(int tree, uint32_t flags, uint32_t propagation);

/* labels.c: the program's holds whatever happens until it is executed; the kernel takes it only from the process itself, by a file that it opened itself. */
void cl_label_program(const struct cl_child *child);
void cl_label_keys(const struct cl_child *child);
/* The plan's, for a filesystem of this type; NULL for what others use too. */
const char *cl_label_for(const struct cl_plan *plan, const char *type);
/* The label that a new filesystem is to be made with, NULL for none. */
const char *cl_label_of_mount(const char *type, const char *options, uint32_t options_size, const char *label);
/* Of one that gets its label when it is there. */
int cl_label_root(int tree, const char *type, const char *label);
/* Whether it is an option with a label. */
int cl_is_context(const char *key);

/* cover.c: paths of the container that are hidden, and those that cannot be written. */
void cl_cover_paths(struct cl_child *child);

/* home.c: the user's home directory in the place of the last variable, where it is to be found */
void cl_find_home(const struct cl_child *child);

/* paths.c: an O_PATH descriptor of a path inside the container, or -1 with errno. */
int cl_open_inside(int root, const char *path, uint64_t flags, uint64_t resolve);
int cl_make_target(int root, const char *path, int directory, uint64_t resolve);
int cl_make_directories(int root, const char *path, uint64_t resolve);
/* A directory of the host with those above it. */
int cl_make_source(const char *path);

/* devices.c */
int cl_device_tree(struct cl_child *child, const struct cl_mount *mount);
void cl_attach_pts(struct cl_child *child);
void cl_make_nodes(struct cl_child *child);

/* terminal.c */
void cl_open_terminal(struct cl_child *child);
/* By the leader of the session whose terminal it is to be. */
void cl_take_terminal(const struct cl_child *child);

/* entry.c: whether the first instructions have seen to it that our executable is a file of a read-only mount. */
int crt_has_left_own_file(void);

/* streams.c: the three standard streams are the process's. */
void cl_take_streams(const struct cl_child *child);

/* privileges.c */
void cl_enter_directory(struct cl_child *child);
/* Makes it where it is missing, while that can be done; what stands in the way is told by who enters it. */
void cl_make_directory(const struct cl_child *child);
void cl_drop_privileges(struct cl_child *child);
/* Whether the program's limits can be set, or reports. */
void cl_try_limits(const struct cl_child *child);
/* The first part of it, which a clone inherits. */
void cl_give_up_rights(struct cl_child *child);
/* Whether a clone inherits all of it. */
int cl_can_give_up_ahead(const struct cl_plan *plan);
/* Where it does not: all rights but those that it takes. */
void cl_keep_needed_rights(const struct cl_child *child);
/* With no_new_privs, what of the last part a clone can inherit: that itself, and the filter where nothing is to be done but what it lets pass. */
void cl_take_no_more_ahead(struct cl_child *child);
