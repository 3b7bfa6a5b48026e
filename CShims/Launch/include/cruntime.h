/* System calls of the OCI runtime, beside the launch path. Functions return -errno where they fail. */
#pragma once
#include <stdint.h>

/* Makes this process one whose executable no container can write to, by executing it anew with its arguments from a read-only
 * mount of its own, or where that is not allowed from a sealed copy in memory. Returns 0 where it is such a process already. */
int32_t crt_seal(void);
/* In the environment of one that was executed anew. */
#define CRT_SEALED "SWIFTLET_OCI_SEALED"
/* The program's entry point: sees to the same before the C library starts, without executing anything, where it can. */
void crt_entry(void);
/* The descriptor of the read-only mount that it went over to, for the caller to close; -1 where there is none, or it was taken. */
int32_t crt_take_own_mount(void);
/* The program's arguments as it was entered; NULL where it was entered elsewhere. */
char *const *crt_arguments(void);
/* The verb among a program's arguments, found as Invocation.grammar has it: the first word that is no option and no option's value. `root` is where
 * containers are kept. NULL where there is none, or the call is not of a plain form: help, a version, an option that is not known. */
char *const *crt_verb(char *const *argv, const char **root);
/* Where containers are kept whose caller names no place. */
#define CRT_DEFAULT_ROOT "/run/swiftlet-oci"
/* The socket at which the first process waits for its start, in the container's directory. */
#define CRT_GATE "start"
/* The container's record, and its name until there is such a container. */
#define CRT_RECORD "state.json"
#define CRT_UNPUBLISHED "state.json.new"
/* A second name of the gate's, in the container's directory, while the gate may be opened with nothing else done. */
#define CRT_OPEN_AT_ONCE "now"
/* The connection to the gate where the first instructions have opened it, else -1. `is_executing`: the process has said that it
 * executes its program, and may have more to say. `folder`: the directory that the gate was in, for the caller to close. */
int32_t crt_opened_gate(int32_t *is_executing, int32_t *folder);
/* Hides this process's memory and files in /proc from other users and containers. */
void crt_hide(void);

/* Keeps what is freed: a program this short uses it again at once, and to give it to the kernel and take it anew is dear. */
void crt_keep_memory(void);

/* A detached copy of what a path names. */
int32_t crt_tree(const char *path, int32_t recursive);
/* Attributes of a detached tree; `namespace` maps its ids, -1 none. */
int32_t crt_tree_change(int32_t tree, uint64_t set, uint64_t clear, uint64_t propagation, int32_t namespace,
                        int32_t recursive);
/* Has a network namespace made while the caller goes on; one in a process. The first instructions may have begun it already. */
int32_t crt_network_begin(void);
/* Waits for it; its descriptor. It ends with the last that holds it. */
int32_t crt_network_take(void);
/* None is wanted: what was begun ends before this returns. */
void crt_network_drop(void);
/* After crt_network_begin and before crt_network_take: has a mount namespace made too, with this detached tree as its root, and nothing else in it. The tree
 * stays open until it is taken. -ENOTSUP: none is begun. */
int32_t crt_root_begin(int32_t tree);
/* Waits for it; its descriptor, for a process to join, or a negated errno with the CL_STAGE_*. Where it fails, the tree may have been used up. */
int32_t crt_root_take(uint32_t *stage);
/* After that: the mount namespace need not be held any longer. */
void crt_ahead_end(void);

struct crt_hook {
    const char *path;
    char *const *argv;
    char *const *envp;     /* NULL: our own */
    const char *directory; /* where to run it, if that is there; NULL: where the namespaces put it */
    const void *input; /* at most 64 KiB */
    uint64_t input_size;
    int32_t milliseconds; /* -1: for ever */
    int32_t pidfd;        /* whose namespaces to run in, -1: here */
    uint32_t kinds;       /* which, CLONE_NEW* */
    int32_t cgroup;       /* -1: here */
    int32_t *left;        /* gets a descriptor of one that was killed and hangs in the kernel, to be collected (crt_end); NULL: it is let go */
    uint32_t uid, gid;    /* the container's process's: who it is in a user namespace that has no root */
};
/* Runs a program to its end: the exit code, 128 and the signal's number, or -errno (-ETIMEDOUT: killed). It does not outlive the caller. `text` gets
 * the beginning of what it wrote to its standard error. */
int32_t crt_run_hook(const struct crt_hook *hook, char *text, uint64_t capacity);

struct crt_address;
/* A network device of ours that is in another namespace. */
struct crt_moved {
    int32_t number; /* 0: it is not there, or not any more */
    int32_t old_number, was_up, address_count;
    char old_name[16];
    struct crt_address *addresses; /* what it had that is to last */
};
/* Takes a network device of ours to a network namespace, where it gets a name, which may end in %d for one that is free, its addresses again, and is set up.
 * What fails half-way is taken back; where that fails as well `moved` says so. */
int32_t crt_move_device(const char *device, int32_t namespace, const char *name, struct crt_moved *moved);
/* Takes it back, with the addresses that it had; up if it was. */
int32_t crt_return_device(struct crt_moved *moved, int32_t namespace);
void crt_forget_device(struct crt_moved *moved);
/* The number of a device of a network namespace, or -errno. */
int32_t crt_device_number(int32_t namespace, const char *name);
struct crt_device {
    char name[16];
    int32_t is_hardware; /* the kernel gives it back when its namespace ends; what is made by software ends then */
};
/* The device of a number in a network namespace: 0, or -errno (-ENODEV). */
int32_t crt_find_device(int32_t namespace, int32_t number, struct crt_device *device);

/* A child that does nothing and does not outlive this process: a descriptor of it. */
int32_t crt_hold(int32_t *pid);
/* Kills such a child and waits for its end; no child is as good. */
void crt_end(int32_t pidfd);

/* Sends a descriptor with some bytes to a stream socket that somebody listens at. */
int32_t crt_pass(const char *path, int32_t descriptor, const void *bytes, uint64_t size);
int32_t crt_limit(int32_t pid, uint32_t resource, uint64_t soft, uint64_t hard);
/* Blocks all signals that can be forwarded and returns a signalfd of them. */
int32_t crt_signals(void);
/* The number of a signal read from it, with the sender's state passed over; 0: none. */
int32_t crt_next_signal(int32_t fd);
/* Raw mode of a terminal; `saved` holds what crt_cooked puts back. */
enum { CRT_TERMINAL_BYTES = 64 };
int32_t crt_raw(int32_t terminal, void *saved);
void crt_cooked(int32_t terminal, const void *saved);
void crt_copy_size(int32_t from, int32_t to);
/* The namespaces in which another process differs from this one, CLONE_NEW*, of the kinds among which it is asked. */
int32_t crt_different_namespaces(int32_t pid, uint32_t among, uint32_t *kinds);
/* Makes a user namespace with these maps, and a mount namespace in it, for this process to go on in as its root. For callers
 * without rights: of more than their own id they may map what newuidmap(1) grants them. */
int32_t crt_become_root(const char *uid_map, const char *gid_map);
/* The kind of the namespace that a path leads to, CLONE_NEW*; -ENOTTY where it leads to none. */
int32_t crt_namespace_kind(const char *path);
/* Enters namespaces of another process, for good. */
int32_t crt_join(int32_t pidfd, uint32_t kinds);
int32_t crt_set_affinity(const void *mask, uint64_t size);
