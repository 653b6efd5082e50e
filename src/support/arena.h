/* arena.h - memory that is given back all at once, in chunks from the host's allocator.
 *
 * An arena keeps its chunks over a reset, so that a second compilation asks the host for nothing.
 * Large requests get chunks of their own, which are kept too (a reset puts all on a free list
 * that is searched first fit). Where `recycles` is set, memory that is given back early is handed
 * out again before the host is asked for more. In stress builds chunks are tiny, and a protected
 * page follows each. */
#ifndef JIT_SUPPORT_ARENA_H
#define JIT_SUPPORT_ARENA_H

#include "support/fail.h"

#include <string.h>

typedef struct arena_chunk arena_chunk;
typedef struct arena_hole arena_hole;
typedef struct arena {
    char *at, *end;               /* free part that requests are served from */
    arena_chunk *chunks;          /* in use, newest first */
    arena_chunk *spare;           /* kept by reset */
    const jit_allocator *host;
    fail_ctx *fail;               /* where exhaustion goes; NULL: arena_try only */
    size_t used;                  /* bytes handed out since the last reset */
    size_t held;                  /* bytes of all chunks */
    size_t limit;                 /* most bytes that may be handed out; 0: none (JIT_ERR_LIMIT);
                                     set it before the first use or right after a reset */
    size_t chunk;                 /* least bytes of a chunk; larger ones as more is held */
    arena_hole *holes;            /* free parts elsewhere, newest first */
    unsigned nholes;
    bool recycles;                /* jit_arena_recycle() does something */
} arena;

void jit_arena_init(arena *a, const jit_allocator *host, fail_ctx *fail);
void jit_arena_free(arena *a);           /* gives all chunks back; the arena may be used again */
void jit_arena_reset(arena *a);          /* forgets all memory, keeps the chunks */

/* A point to return to: all that was allocated after it is forgotten by rewind. */
typedef struct arena_mark { arena_chunk *chunk; char *at, *end; size_t used; } arena_mark;
arena_mark jit_arena_mark(const arena *a);
void jit_arena_rewind(arena *a, arena_mark m);

void *jit_arena_slow(arena *a, size_t size, bool fails); /* a new chunk; for the inline below */

/* Under AddressSanitizer all that is not handed out is poisoned, with a gap between two blocks. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(ARENA_ASAN)
#define ARENA_ASAN 1
#endif
#ifdef ARENA_ASAN
void jit_arena_expose(void *p, size_t n);
#define ARENA_GAP ((size_t)16)
#else
#define ARENA_GAP ((size_t)0)
static inline void jit_arena_expose(void *p, size_t n) { (void)p; (void)n; }
#endif

static inline void *arena_take(arena *a, size_t size, bool fails)
{
    size_t n = (size + 15 + ARENA_GAP) & ~(size_t)15;
    if (n >= size && n <= (size_t)(a->end - a->at)) {
        char *p = a->at;
        a->at += n;
        a->used += n;
        jit_arena_expose(p, size);
        return p;
    }
    return jit_arena_slow(a, size, fails);
}

/* Uninitialized memory aligned to 16. Fails with NOMEM or LIMIT. size 0 gives a valid pointer. */
static inline void *arena_raw(arena *a, size_t size) { return arena_take(a, size, true); }

/* Gives back size bytes from one of the functions here before the arena is reset; they may be
 * handed out again. Nothing, unless the arena recycles. A rewind forgets what was given back. */
void jit_arena_recycle(arena *a, void *p, size_t size);

/* Makes p, of size bytes, `more` larger where it stands, if it was the last request and there is
 * room. */
static inline bool arena_extend(arena *a, void *p, size_t size, size_t more)
{
    size_t n = (size + 15 + ARENA_GAP) & ~(size_t)15;
    size_t m = (size + more + 15 + ARENA_GAP) & ~(size_t)15;
    if ((char *)p + n != a->at || m < more || m - n > (size_t)(a->end - a->at))
        return false;
    a->at += m - n;
    a->used += m - n;
    jit_arena_expose(p, size + more);
    return true;
}

/* As arena_raw, but NULL when there is no memory. */
static inline void *arena_try(arena *a, size_t size) { return arena_take(a, size, false); }

/* size bytes, not aligned, for what is written byte by byte: in stress builds in a chunk of their
 * own, so that the first byte behind them is a protected page's. Fails as arena_raw does. */
void *jit_arena_fenced(arena *a, size_t size);
void jit_arena_recycle_fenced(arena *a, void *p, size_t size);

_Noreturn void jit_arena_overflow(arena *a, size_t n, size_t size); /* for the inline below */
static inline void *arena_array(arena *a, size_t n, size_t size, bool zero)
{
    if (n > SIZE_MAX / size)
        jit_arena_overflow(a, n, size);
    void *p = arena_raw(a, n * size);
    return zero ? memset(p, 0, n * size) : p;
}

/* An array of n T: zeroed, or not. Fails as arena_raw does. */
#define ARENA_ARRAY(a, T, n) ((T *)arena_array((a), (n), sizeof(T), true))
#define ARENA_ARRAY_RAW(a, T, n) ((T *)arena_array((a), (n), sizeof(T), false))
#define ARENA_NEW(a, T) ((T *)arena_array((a), 1, sizeof(T), true))

/* A copy of a string of n bytes, terminated. */
char *jit_arena_string(arena *a, const char *s, size_t n);

/* The allocator used when the host gives none: malloc and free. */
extern const jit_allocator jit_libc_allocator;

#endif
