/* pool.h - memory for what outlives a compilation: handles, units, symbols. One engine, one lock.
 *
 * Small blocks come from size classes cut out of chunks that are kept until the pool goes, large
 * ones from the host. A freed block serves the next request of its class, a large one the next that
 * is not much smaller, so that compiling and freeing in a loop asks the host for nothing. The
 * caller holds the engine's lock. */
#ifndef JIT_POOL_H
#define JIT_POOL_H

#include "support/arena.h"

#define POOL_CLASSES 40u
#define POOL_LARGEST (16u << 10) /* bytes of a block that has a class */

typedef struct pool_block pool_block;

typedef struct pool {
    const jit_allocator *host;
    arena chunks;
    void *free[POOL_CLASSES]; /* first free block of a class; each begins with the next */
    pool_block *large;        /* free ones, newest first */
    unsigned nlarge;
    size_t live;              /* blocks handed out */
} pool;

void jit_pool_init(pool *p, const jit_allocator *host);
void jit_pool_done(pool *p);                      /* large blocks must have been freed */
void *jit_pool_alloc(pool *p, size_t size);       /* zeroed; NULL: no memory */
void jit_pool_free(pool *p, void *block, size_t size); /* NULL is fine */

#endif
