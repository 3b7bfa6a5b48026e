/* The C library's start for the static executables (start.c). A target that depends on this one has nothing to call. */
#pragma once
