/* pool.h - memory for what outlives a compilation: handles, units, symbols. One engine, one lock.
 *
 * Small blocks come from size classes cut out of chunks that are kept until the pool goes; large
 * ones straight from the host. A freed block serves the next request of its class, so that
 * compiling and freeing in a loop asks the host for nothing. The caller holds the engine's lock. */
#ifndef JIT_POOL_H
#define JIT_POOL_H

#include "support/arena.h"

#define POOL_CLASSES 64u
#define POOL_LARGEST (512u << 10) /* a unit of some 20,000 instructions */

typedef struct pool {
    const jit_allocator *host;
    arena chunks;
    void *free[POOL_CLASSES]; /* first free block of a class; each begins with the next */
    size_t live;              /* blocks handed out */
} pool;

void jit_pool_init(pool *p, const jit_allocator *host);
void jit_pool_done(pool *p);                      /* large blocks must have been freed */
void *jit_pool_alloc(pool *p, size_t size);       /* zeroed; NULL: no memory */
void jit_pool_free(pool *p, void *block, size_t size); /* NULL is fine */

#endif
