#define _GNU_SOURCE
#include <stddef.h>

#include "cruntime.h"
#include "first.h"

/* The words of a call as the first instructions see them. What is not plain here is no mistake: the ordinary way reads all words again, and tells what is
 * wrong with them. */

FIRST_INSTRUCTIONS_BEGIN

int crt_is_option(const char *word, const char *names) {
    if (*word != '-') return 0;
    while (*word == '-') word++;
    while (*names) {
        const char *at = word;
        while (*names && *at == *names) at++, names++;
        if (!*names && (!*at || *at == '=')) return 1;
        while (*names) names++;
        names++;
    }
    return 0;
}

const char *crt_value(char *const **words) {
    for (const char *at = **words; *at; at++)
        if (*at == '=') return at + 1;
    return (*words)[1] ? *++*words : NULL;
}

char *const *crt_verb(char *const *argv, const char **root) {
    *root = CRT_DEFAULT_ROOT;
    if (!*argv) return NULL;
    for (argv++; *argv; argv++) {
        const char *word = *argv;
        if (is(word, "--")) return argv[1] ? argv + 1 : NULL;
        if (*word != '-' || !word[1]) return argv;
        if (crt_is_option(word, "debug\0systemd-cgroup\0s\0")) continue;
        int is_root = crt_is_option(word, "root\0r\0"), is_format = crt_is_option(word, "log-format\0");
        if (!is_root && !is_format && !crt_is_option(word, "log\0log-level\0rootless\0criu\0cgroup-manager\0")) return NULL;
        const char *value = crt_value(&argv);
        if (!value || (is_format && !is(value, "json") && !is(value, "text"))) return NULL;
        if (is_root) *root = value;
    }
    return NULL;
}

FIRST_INSTRUCTIONS_END
