// SPDX-License-Identifier: Apache-2.0
// COUNTERPOINT_VECTORS before a function makes a second version for the vectors of newer
// processors, chosen when the program is loaded. Integers only: the results are the same.
#pragma once

// Sanitizers are not yet up when the choice is made.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define COUNTERPOINT_VECTORS [[gnu::target_clones("avx2", "default")]]
#else
#define COUNTERPOINT_VECTORS
#endif
