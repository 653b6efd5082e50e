/* pool.c - size classes over chunks, for handles (see pool.h). */
#include "jit/pool.h"
#include <string.h>

/* Classes 32, 40, 48, 56, 64, 80, ...: four for each power of two; sizes are rounded up to one. */
_Static_assert(POOL_LARGEST == (size_t)1 << 19 && POOL_CLASSES > (19 - 1 - 5) * 4 + 4,
               "every pooled size has its class");
static unsigned class_of(size_t size, size_t *rounded)
{
    size_t n = size < 32 ? 32 : size;
    unsigned e = 63u - (unsigned)__builtin_clzll((unsigned long long)(n - 1) | 1);
    size_t step = (size_t)1 << (e - 2);
    size_t up = (n + step - 1) / step * step;

    if (n == 32) {
        *rounded = 32;
        return 0;
    }
    *rounded = up;
    return (e - 5) * 4 + (unsigned)((up - ((size_t)1 << e)) / step);
}

void jit_pool_init(pool *p, const jit_allocator *host)
{
    memset(p, 0, sizeof *p);
    p->host = host;
    jit_arena_init(&p->chunks, host, NULL);
}

void jit_pool_done(pool *p)
{
    jit_arena_free(&p->chunks);
}

void *jit_pool_alloc(pool *p, size_t size)
{
    size_t rounded;
    void *block;

    if (size > POOL_LARGEST) {
        block = p->host->alloc(p->host->user, size);
    } else {
        unsigned c = class_of(size, &rounded);
        block = p->free[c];
        if (block)
            memcpy(&p->free[c], block, sizeof(void *));
        else
            block = arena_try(&p->chunks, rounded);
    }
    if (block) {
        memset(block, 0, size);
        p->live++;
    }
    return block;
}

void jit_pool_free(pool *p, void *block, size_t size)
{
    size_t rounded;

    if (!block)
        return;
    p->live--;
    if (size > POOL_LARGEST) {
        p->host->free(p->host->user, block, size);
        return;
    }
    unsigned c = class_of(size, &rounded);
    memset(block, 0xdd, size < 64 ? size : 64); /* a stale pointer shows itself early */
    memcpy(block, &p->free[c], sizeof(void *));
    p->free[c] = block;
}
