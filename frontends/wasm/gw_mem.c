/* gw_mem.c - memory that is freed all at once: a list of chunks, cut from front to back. */
#include "gw_mem.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16384, ALIGN = 16 };

struct gw_chunk {
    struct gw_chunk *next;
    uint64_t unused; /* so that what follows is aligned */
};

static void *from_libc(void *old, size_t size)
{
    if (size > 0)
        return realloc(old, size);
    free(old);
    return NULL;
}

static gw_mem_source *source = from_libc;

void gw_mem_set_source(gw_mem_source *s)
{
    source = s ? s : from_libc;
}

void *gw_mem_realloc(void *old, size_t size)
{
    return source(old, size);
}

static uint8_t *new_chunk(gw_mem *m, size_t size)
{
    struct gw_chunk *c = size > SIZE_MAX - sizeof *c ? NULL : source(NULL, sizeof *c + size);

    if (!c)
        return NULL;
    c->next = m->chunks;
    m->chunks = c;
    return (uint8_t *)(c + 1);
}

void *gw_mem_alloc(gw_mem *m, size_t n, size_t size)
{
    uint8_t *at;

    if (size > 0 && n > (SIZE_MAX - ALIGN) / size)
        return NULL;
    n = (n * size + ALIGN - 1) / ALIGN * ALIGN;
    if (n > m->left && n >= CHUNK / 4) { /* the newest chunk stays in use for small ones */
        at = new_chunk(m, n);
        return at ? memset(at, 0, n) : NULL;
    }
    if (n > m->left || !m->at) {
        m->at = new_chunk(m, CHUNK);
        m->left = m->at ? CHUNK : 0;
        if (!m->at)
            return NULL;
    }
    at = m->at;
    m->at += n;
    m->left -= n;
    return memset(at, 0, n);
}

void gw_mem_free(gw_mem *m)
{
    for (struct gw_chunk *c = m->chunks, *next; c; c = next) {
        next = c->next;
        source(c, 0);
    }
    memset(m, 0, sizeof *m);
}
