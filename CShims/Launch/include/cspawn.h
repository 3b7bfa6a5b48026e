/* Starting a pod's monitor from a large process with many threads. */
#pragma once
#include <stdint.h>

enum { CS_NEW_NETWORK = 1, CS_NEW_IPC = 2, CS_NEW_UTS = 4 };

struct cs_spawn {
    int32_t executable; /* an open executable, such as a sealed memory file */
    char *const *argv;
    char *const *envp;
    const int32_t *descriptors; /* become 3, 4, and so on */
    uint32_t descriptor_count;
    int32_t error_output; /* becomes 2; 0 and 1 are /dev/null */
    int32_t cgroup;
    uint32_t namespaces;                  /* CS_NEW_* */
    const char *uid_map, *gid_map;        /* lines for a user namespace that owns them; NULL: the caller's owns them */
    uint32_t first_user;                  /* its root, as the host counts */
    const char *hostname;                 /* NULL: as it is */
    const char *const *parameter_names;   /* kernel parameters with slashes, beneath /proc/sys */
    const char *const *parameter_values;
    uint32_t parameter_count;
};

/* Clones with shared memory, which costs the same however large the caller is: the calling thread waits until the child
 * has exec'd. The child's pid, or a negated errno with the CL_STAGE_* and, for a parameter, its index. */
int32_t cs_spawn(const struct cs_spawn *spawn, int32_t *pidfd, uint32_t *stage, uint32_t *index);

/* A new user namespace with these maps, lines "FIRST OUTSIDE COUNT\n"; a descriptor, close-on-exec, or a negated errno. */
int32_t cs_user_namespace(const char *uid_map, const char *gid_map);
/* Whether files on the filesystem of an open directory, or on a new tmpfs (-1), can be mounted with their ids mapped: 0 or a negated errno. */
int32_t cs_maps_ids(int32_t directory);

/* A sealed copy of an open file in memory, executable; a descriptor or a negated errno. */
int32_t cs_memory_copy(int32_t file, const char *name);
/* A sealed memory file of these bytes. */
int32_t cs_memory_file(const void *bytes, uint64_t size, const char *name);
/* A message socket listening at a path in an open directory, mode 0600. */
int32_t cs_listen(int32_t directory, const char *name);
/* A connection to such a socket. */
int32_t cs_connect(int32_t directory, const char *name);
int32_t cs_pidfd_open(int32_t pid);
int32_t cs_pidfd_signal(int32_t pidfd, int32_t number);
