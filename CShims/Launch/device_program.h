#pragma once
#include <stdint.h>

#include "cplan.h"

/* Attaches a program to a cgroup that allows these devices and no others. 0 or a negated errno. */
int cl_attach_device_program(int cgroup, const struct cl_rule *rules, uint32_t count);
