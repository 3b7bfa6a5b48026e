#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "cruntime.h"

/* Hooks that are run by the process that becomes the container: so they are in its namespaces and its group, and end with it. The file of one that runs before
 * the container leaves the host's root is the host's. That of a later one is the image's, so it has no more rights than the container's program. */

/* The words of a hook as two lists, each with its NULL. */
static void take_words(const struct cl_plan *plan, const struct cl_hook *hook, char *lists[CL_MAX_HOOK_WORDS + 3], char ***envp) {
    const char *at = hook->words;
    uint32_t count = 0;
    if (!hook->argc) lists[count++] = (char *)hook->path;
    for (uint32_t i = 0; i < hook->argc; i++, at += strlen(at) + 1) lists[count++] = (char *)at;
    lists[count++] = NULL;
    *envp = hook->envc == CL_HOOK_INHERITS ? (char **)plan->envp : &lists[count];
    if (hook->envc == CL_HOOK_INHERITS) return;
    for (uint32_t i = 0; i < hook->envc; i++, at += strlen(at) + 1) lists[count++] = (char *)at;
    lists[count] = NULL;
}

int cl_has_hooks(const struct cl_plan *plan, uint32_t station) {
    for (uint32_t i = 0; i < plan->hook_count; i++)
        if (plan->hooks[i].station == station) return 1;
    return 0;
}

void cl_end_others(void) {
    if (!CL_KEEPS(LEFT_RUNNING) || getpid() != 1) return;
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) continue;
}

/* Its own time, or what is left of that for all; 0: nothing is. */
static int32_t time_left(const struct cl_child *child, const struct cl_hook *hook) {
    uint64_t spent = (cm_monotonic_clock() - child->begun) / 1000000;
    if (!child->plan->hook_patience) return hook->milliseconds;
    int64_t left = (int64_t)child->plan->hook_patience - (int64_t)spent;
    if (left <= 0) return 0;
    return hook->milliseconds < 0 || hook->milliseconds > left ? (int32_t)left : hook->milliseconds;
}

void cl_run_hooks(const struct cl_child *child, uint32_t station) {
    const struct cl_plan *plan = child->plan;
    static char state[CL_MAX_STATE + 64];
    char said[CL_WORDS], *words[CL_MAX_HOOK_WORDS + 3], **envp;
    int length = station == CL_HOOK_CREATE ? snprintf(state, sizeof state, "%s,\"status\":\"creating\"}", plan->state)
                                           : snprintf(state, sizeof state, "%s,\"status\":\"created\",\"pid\":%d}", plan->state, getpid());
    for (uint32_t i = 0; i < plan->hook_count; i++) {
        const struct cl_hook *hook = &plan->hooks[i];
        if (hook->station != station) continue;
        take_words(plan, hook, words, &envp);
        const struct crt_hook order = {
            .path = hook->path,
            .argv = words,
            .envp = envp,
            .directory = station == CL_HOOK_CREATE ? plan->bundle : NULL,
            .input = state,
            .input_size = (uint64_t)length,
            .milliseconds = time_left(child, hook),
            .pidfd = -1,
            .cgroup = -1,
        };
        said[0] = 0;
        int code = order.milliseconds ? crt_run_hook(&order, said, sizeof said) : -ETIMEDOUT;
        if (code) cl_fail_saying(child, CL_STAGE_HOOK, i, -code, said);
    }
    if (station == CL_HOOK_CREATE) cl_end_others();
}
