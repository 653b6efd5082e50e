/* arena.c - chunks from the host's allocator, handed out piece by piece and kept over a reset.
 *
 * `chunks` are in use, newest first; `at` and `end` bound the region that requests are served from,
 * mostly the rest of the newest chunk. What is given back, and the rest of a region that was too
 * small for a request, become holes. A reset puts the chunks on `spare` oldest first, so that the
 * same requests in the same order find the same memory again and the host is asked for nothing. */
#include "support/arena.h"

#include "support/os.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#endif

#ifdef JIT_STRESS
enum { CHUNK_FIRST = 256, CHUNK_FEW = 4096, CHUNK_MOST = 4096 };
#else
enum { CHUNK_FIRST = 64 << 10, CHUNK_FEW = 64 << 10, CHUNK_MOST = 1 << 20 };
#endif
enum { CHUNK_SHARE = 16 };
enum { HOLE_LEAST = 256, HOLES = 32 }; /* bytes of a hole; holes that are remembered */

struct arena_chunk {
    arena_chunk *next;
    size_t size; /* bytes of the whole, this header included */
#ifdef JIT_STRESS
    void *host;  /* what the host gave for it, which then lies idle; the chunk itself: no fence */
#endif
};
enum { HEADER = 32 }; /* keeps what follows aligned to 16, and more than sizeof(arena_chunk) */
static_assert(sizeof(arena_chunk) <= HEADER, "the header holds the chunk");

struct arena_hole { arena_hole *next; size_t size; }; /* stands in the hole itself */

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
    a->holes = NULL;
    a->nholes = 0;
}

/* ---- Holes ---- */

/* Takes the holes out of the list that touch [*p, *p + *size), which grows by them. */
static void join_holes(arena *a, char **p, size_t *size)
{
    for (arena_hole **at = &a->holes, *hole; (hole = *at) != NULL;) {
        char *begin = (char *)hole;
        size_t n = hole->size;
        if (begin + n != *p && *p + *size != begin) {
            at = &hole->next;
            continue;
        }
        *at = hole->next;
        a->nholes--;
        hide(begin, sizeof *hole);
        *p = begin < *p ? begin : *p;
        *size += n;
    }
}

/* Remembers [p, p + size), which is aligned to 16 and nobody's, unless it is small. Beyond HOLES
 * the smallest one is lost. */
static void add_hole(arena *a, char *p, size_t size)
{
    arena_hole *hole, **least = &a->holes;

    if (!a->recycles || size == 0)
        return;
    join_holes(a, &p, &size);
    if (size < HOLE_LEAST)
        return;
    jit_arena_expose(p, sizeof *hole);
    hole = (arena_hole *)(void *)p;
    *hole = (arena_hole){ a->holes, size };
    a->holes = hole;
    if (a->nholes++ < HOLES)
        return;
    for (arena_hole **at = &a->holes; *at; at = &(*at)->next)
        if ((*at)->size <= (*least)->size)
            least = at;
    *least = (*least)->next;
    a->nholes--;
}

/* The smallest hole of at least n bytes, taken off the list; NULL: none. */
static arena_hole *find_hole(arena *a, size_t n)
{
    arena_hole **best = NULL, *found;

    for (arena_hole **at = &a->holes; *at; at = &(*at)->next)
        if ((*at)->size >= n && (!best || (*at)->size < (*best)->size))
            best = at;
    if (!best)
        return NULL;
    found = *best;
    *best = found->next;
    a->nholes--;
    return found;
}

/* n bytes out of a hole; NULL: none is large enough. The rest of the hole takes the place of a
 * region that is used up. */
static char *take_from_hole(arena *a, size_t n)
{
    arena_hole *hole = find_hole(a, n);
    char *p = (char *)hole;

    if (!hole)
        return NULL;
    size_t rest = hole->size - n;
    hide(p, sizeof *hole);
    if ((size_t)(a->end - a->at) < HOLE_LEAST && rest >= HOLE_LEAST) {
        a->at = p + n;
        bound(a, p + n + rest);
    } else {
        add_hole(a, p + n, rest);
    }
    return p;
}

void jit_arena_recycle_fenced(arena *a, void *p, size_t size)
{
#ifdef JIT_STRESS
    (void)a; /* that chunk has no other use */
    (void)p;
    (void)size;
#else
    jit_arena_recycle(a, p, size);
#endif
}

void jit_arena_recycle(arena *a, void *p, size_t size)
{
    size_t n = (size + 15 + ARENA_GAP) & ~(size_t)15;

    if (!a->recycles || !p || size == 0)
        return;
#ifdef JIT_DEBUG
    memset(p, 0xdd, size); /* whoever still looks there shall see it */
#endif
    hide(p, n);
    a->used -= n;
    if ((char *)p + n == a->at) {
        a->at = p;
        n = 0;
        join_holes(a, &a->at, &n);
    } else {
        add_hole(a, p, n);
    }
}

void jit_arena_init(arena *a, const jit_allocator *host, fail_ctx *fail)
{
    memset(a, 0, sizeof *a);
    a->host = host;
    a->fail = fail;
    a->chunk = CHUNK_FIRST;
    use_nothing(a);
}

/* A chunk's memory. In stress builds the host is asked as well, so that its accounts and its
 * refusals are the same, but a chunk of our own with a protected page behind it takes the place of
 * its memory. */
static arena_chunk *get_chunk(const jit_allocator *host, size_t size)
{
    arena_chunk *c = host->alloc(host->user, size);

#ifdef JIT_STRESS
    arena_chunk *fenced = c ? jit_os_guarded_alloc(size) : NULL;
    if (fenced)
        fenced->host = c;
    else if (c) /* the system has no more mappings for us */
        c->host = c;
    c = fenced ? fenced : c;
#endif
    return c;
}

static void give_chunk_back(const jit_allocator *host, arena_chunk *c)
{
    size_t size = c->size;

#ifdef JIT_STRESS
    arena_chunk *given = c->host;
    if (given != c)
        jit_os_guarded_free(c, size);
    c = given;
#endif
    host->free(host->user, c, size);
}

static void free_chunks(arena *a, arena_chunk *c)
{
    while (c) {
        arena_chunk *next = c->next;
        jit_arena_expose(c, c->size);
        give_chunk_back(a->host, c);
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
    arena_mark m = { a->chunks, a->at, a->end, a->used };
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
    a->holes = NULL;
    a->nholes = 0;
    a->at = m.at;
    a->end = m.end;
    hide(a->at, (size_t)(a->end - a->at));
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

/* Chunks double until there are some, then each is a share of what is held: little is idle then. */
static size_t chunk_least(const arena *a)
{
    size_t least = a->held < CHUNK_FEW ? a->held : a->held / CHUNK_SHARE;

    if (a->held == 0 || (least < a->chunk && a->chunk < CHUNK_FEW / CHUNK_SHARE))
        return a->chunk;
    if (least < CHUNK_FEW / CHUNK_SHARE)
        least = CHUNK_FEW / CHUNK_SHARE;
    return (least < CHUNK_MOST ? least : CHUNK_MOST) & ~(size_t)15;
}

static arena_chunk *new_chunk(arena *a, size_t n)
{
    size_t size = n + HEADER, least = chunk_least(a);
    arena_chunk *c;

    if (size < n)
        return NULL;
    if (size < least)
        size = least;
    c = get_chunk(a->host, size);
    if (!c)
        return NULL;
    c->size = size;
    a->held += size;
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
    p = n < size ? NULL : take_from_hole(a, n);
    if (p) {
        a->used += n;
        jit_arena_expose(p, size);
        return p;
    }
    c = n < size ? NULL : find_spare(a, n);
    if (!c && n >= size)
        c = new_chunk(a, n);
    if (!c) {
        if (fails)
            jit_fail(a->fail, JIT_ERR_NOMEM, "no memory for %zu bytes", size);
        return NULL;
    }
    add_hole(a, a->at, (size_t)(a->end - a->at));
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

void *jit_arena_fenced(arena *a, size_t size)
{
#ifdef JIT_STRESS
    a->at = a->end = nothing; /* no room anywhere: so a new chunk begins, to whose end we move */
    a->holes = NULL;
    a->nholes = 0;
    char *p = jit_arena_slow(a, size, true);
    jit_arena_expose(p, (size_t)(chunk_end(a->chunks) - p));
    a->at = a->end = chunk_end(a->chunks);
    return chunk_end(a->chunks) - size;
#else
    return arena_raw(a, size);
#endif
}

_Noreturn void jit_arena_overflow(arena *a, size_t n, size_t size)
{
    jit_fail(a->fail, JIT_ERR_NOMEM, "no memory for %zu elements of %zu bytes", n, size);
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
