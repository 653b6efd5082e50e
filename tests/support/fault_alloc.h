/* fault_alloc.h - a host allocator that counts what is alive and can refuse the n-th request. */
#ifndef TESTS_FAULT_ALLOC_H
#define TESTS_FAULT_ALLOC_H

#include "support/arena.h"

typedef struct fault_alloc {
    jit_allocator host;  /* hand out &host */
    size_t calls;        /* requests so far */
    size_t fail_at;      /* the request that is refused, from 1; 0: none */
    bool fail_after;     /* and all after it */
    size_t live, bytes;  /* blocks and bytes not given back */
    size_t peak;         /* most bytes at a time */
    bool wrong_size;     /* something was given back with another size than it had */
} fault_alloc;

void fault_alloc_init(fault_alloc *a, size_t fail_at);

#endif
