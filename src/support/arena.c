/* arena.c - chunks from the host's allocator, handed out piece by piece and kept over a reset.
 *
 * `chunks` are in use, newest first; the newest is the one that `at` and `end` point into. A reset
 * puts them on `spare` oldest first, so that the same requests in the same order find the same
 * chunks again and the host is asked for nothing. */
#include "support/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#endif

#ifdef JIT_STRESS
enum { CHUNK_FIRST = 256, CHUNK_MOST = 1024 };
#else
enum { CHUNK_FIRST = 64 << 10, CHUNK_MOST = 1 << 20 };
#endif

struct arena_chunk {
    arena_chunk *next;
    size_t size; /* bytes of the whole, this header included */
};
enum { HEADER = 32 }; /* keeps what follows aligned to 16, and more than sizeof(arena_chunk) */
static_assert(sizeof(arena_chunk) <= HEADER, "the header holds the chunk");

/* Where an arena without chunks points: no byte of it is ever handed out. */
static _Alignas(16) char nothing[16];

static void *libc_alloc(void *user, size_t size)
{
    (void)user;
    return malloc(size);
}

static void libc_free(void *user, void *memory, size_t size)
{
    (void)user;
    (void)size;
    free(memory);
}

const jit_allocator jit_libc_allocator = { libc_alloc, libc_free, NULL };

#ifdef ARENA_ASAN
void jit_arena_expose(void *p, size_t n)
{
    ASAN_UNPOISON_MEMORY_REGION(p, n);
}

static void hide(void *p, size_t n)
{
    ASAN_POISON_MEMORY_REGION(p, n);
}
#else
static void hide(void *p, size_t n)
{
    (void)p;
    (void)n;
}
#endif

static char *chunk_begin(arena_chunk *c)
{
    return (char *)c + HEADER;
}

static char *chunk_end(arena_chunk *c)
{
    return (char *)c + c->size;
}

/* Lets `end` stand where the limit is reached, so that the inline path need not know of it. */
static void bound(arena *a, char *end)
{
    size_t left = a->limit > a->used ? a->limit - a->used : 0;

    a->end = end;
    if (a->limit != 0 && left < (size_t)(end - a->at))
        a->end = a->at + left;
}

static void use_nothing(arena *a)
{
    a->at = a->end = nothing;
}

void jit_arena_init(arena *a, const jit_allocator *host, fail_ctx *fail)
{
    memset(a, 0, sizeof *a);
    a->host = host;
    a->fail = fail;
    a->chunk = CHUNK_FIRST;
    use_nothing(a);
}

static void free_chunks(arena *a, arena_chunk *c)
{
    while (c) {
        arena_chunk *next = c->next;
        jit_arena_expose(c, c->size);
        a->host->free(a->host->user, c, c->size);
        c = next;
    }
}

void jit_arena_free(arena *a)
{
    free_chunks(a, a->chunks);
    free_chunks(a, a->spare);
    a->chunks = a->spare = NULL;
    a->used = a->held = 0;
    use_nothing(a);
}

/* Makes the newest chunk spare. */
static void retire(arena *a)
{
    arena_chunk *c = a->chunks;

    a->chunks = c->next;
    c->next = a->spare;
    a->spare = c;
    hide(chunk_begin(c), c->size - HEADER);
}

void jit_arena_reset(arena *a)
{
    while (a->chunks)
        retire(a);
    a->used = 0;
    use_nothing(a);
}

arena_mark jit_arena_mark(const arena *a)
{
    arena_mark m = { a->chunks, a->at, a->used };
    return m;
}

void jit_arena_rewind(arena *a, arena_mark m)
{
    while (a->chunks && a->chunks != m.chunk)
        retire(a);
    a->used = m.used;
    if (!a->chunks) {
        use_nothing(a);
        return;
    }
    a->at = m.at;
    bound(a, chunk_end(a->chunks));
    hide(a->at, (size_t)(chunk_end(a->chunks) - a->at));
}

/* The first spare chunk with n free bytes, taken off its list; NULL: none. */
static arena_chunk *find_spare(arena *a, size_t n)
{
    for (arena_chunk **link = &a->spare; *link; link = &(*link)->next)
        if ((*link)->size - HEADER >= n) {
            arena_chunk *c = *link;
            *link = c->next;
            return c;
        }
    return NULL;
}

static arena_chunk *new_chunk(arena *a, size_t n)
{
    size_t size = n + HEADER;
    arena_chunk *c;

    if (size < n)
        return NULL;
    if (size < a->chunk)
        size = a->chunk;
    c = a->host->alloc(a->host->user, size);
    if (!c)
        return NULL;
    c->size = size;
    a->held += size;
    if (a->chunk < CHUNK_MOST)
        a->chunk *= 2;
    hide(chunk_begin(c), c->size - HEADER);
    return c;
}

void *jit_arena_slow(arena *a, size_t size, bool fails)
{
    size_t n = (size + 15 + ARENA_GAP) & ~(size_t)15;
    arena_chunk *c;
    char *p;

    if (n >= size && a->limit != 0 && (a->used > a->limit || n > a->limit - a->used)) {
        if (fails)
            jit_fail(a->fail, JIT_ERR_LIMIT, "more than %zu bytes of memory needed", a->limit);
        return NULL;
    }
    c = n < size ? NULL : find_spare(a, n);
    if (!c && n >= size)
        c = new_chunk(a, n);
    if (!c) {
        if (fails)
            jit_fail(a->fail, JIT_ERR_NOMEM, "no memory for %zu bytes", size);
        return NULL;
    }
    c->next = a->chunks;
    a->chunks = c;
    p = chunk_begin(c);
    a->at = p;
    bound(a, chunk_end(c));
    a->at += n;
    a->used += n;
    jit_arena_expose(p, size);
    return p;
}

void *jit_arena_array(arena *a, size_t n, size_t size, bool zero)
{
    void *p;

    if (size != 0 && n > SIZE_MAX / size)
        jit_fail(a->fail, JIT_ERR_NOMEM, "no memory for %zu elements of %zu bytes", n, size);
    p = arena_raw(a, n * size);
    if (zero)
        memset(p, 0, n * size);
    return p;
}

char *jit_arena_string(arena *a, const char *s, size_t n)
{
    char *p;

    if (n == SIZE_MAX)
        jit_fail(a->fail, JIT_ERR_NOMEM, "no memory for a string");
    p = arena_raw(a, n + 1);
    memcpy(p, s, n);
    p[n] = 0;
    return p;
}
