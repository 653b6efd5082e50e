/* pool.c - size classes over chunks, for handles (see pool.h). */
#include "jit/pool.h"
#include <string.h>

/* Classes 32, 40, 48, 56, 64, 80, ...: four for each power of two; sizes are rounded up to one. */
_Static_assert(POOL_LARGEST == (size_t)1 << 14 && POOL_CLASSES >= (14 - 1 - 5) * 4 + 4 + 1,
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

/* ---- Large blocks ---- */

struct pool_block { pool_block *next; size_t size; }; /* in front of it; bytes of the whole */
enum { LARGE_FREE = 8, LARGE_MORE = 4 }; /* that are kept; times as large as asked for, at most */

static void *take_large(pool *p, size_t size)
{
    size_t n = size + sizeof(pool_block);
    pool_block **best = NULL, *block;

    if (n < size)
        return NULL;
    for (pool_block **at = &p->large; *at; at = &(*at)->next)
        if ((*at)->size >= n && (*at)->size / LARGE_MORE <= n
            && (!best || (*at)->size < (*best)->size))
            best = at;
    if (best) {
        block = *best;
        *best = block->next;
        p->nlarge--;
    } else {
        block = p->host->alloc(p->host->user, n);
        if (!block)
            return NULL;
        block->size = n;
    }
    return block + 1;
}

/* Keeps the block for the next one; beyond LARGE_FREE the oldest goes. */
static void give_large(pool *p, void *at)
{
    pool_block *block = (pool_block *)at - 1, **last = &p->large;

    block->next = p->large;
    p->large = block;
    if (p->nlarge++ < LARGE_FREE)
        return;
    while ((*last)->next)
        last = &(*last)->next;
    p->host->free(p->host->user, *last, (*last)->size);
    *last = NULL;
    p->nlarge--;
}

/* ---- Any block ---- */

void jit_pool_init(pool *p, const jit_allocator *host)
{
    memset(p, 0, sizeof *p);
    p->host = host;
    jit_arena_init(&p->chunks, host, NULL);
}

void jit_pool_done(pool *p)
{
    for (pool_block *block = p->large, *next; block; block = next) {
        next = block->next;
        p->host->free(p->host->user, block, block->size);
    }
    p->large = NULL;
    jit_arena_free(&p->chunks);
}

void *jit_pool_alloc(pool *p, size_t size)
{
    size_t rounded;
    void *block;

    if (size > POOL_LARGEST) {
        block = take_large(p, size);
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
    memset(block, 0xdd, size < 64 ? size : 64); /* a stale pointer shows itself early */
    if (size > POOL_LARGEST) {
        give_large(p, block);
        return;
    }
    unsigned c = class_of(size, &rounded);
    memcpy(block, &p->free[c], sizeof(void *));
    p->free[c] = block;
}
