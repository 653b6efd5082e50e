/* vec.c - growing of the arena vectors. */
#include "support/vec.h"

#include <string.h>

/* What every VEC(T) looks like. The pointer is copied by bytes, for its type differs. */
typedef struct { void *at; uint32_t len, cap; } any_vec;

enum { LEAST = 8 };       /* elements of a new vector */
enum { LARGE = 32 << 10 }; /* bytes from which on a vector grows by half of itself only */

static bool grow(arena *a, void *vec, uint32_t n, size_t size, bool fails)
{
    any_vec v;
    uint64_t need, cap;
    void *p;

    memcpy(&v, vec, sizeof v);
    need = (uint64_t)v.len + n;
    cap = (uint64_t)v.cap * 2;
    if (v.cap * size >= LARGE)
        cap -= v.cap / 2;
    if (cap < LEAST)
        cap = LEAST;
    if (cap < need)
        cap = need;
    if (cap > UINT32_MAX)
        cap = UINT32_MAX;
    if (need > UINT32_MAX || cap > SIZE_MAX / size) {
        if (fails)
            jit_fail(a->fail, JIT_ERR_LIMIT, "more than 2^32 elements");
        return false;
    }
    if (!v.at || !arena_extend(a, v.at, v.cap * size, ((size_t)cap - v.cap) * size)) {
        p = arena_take(a, (size_t)cap * size, fails);
        if (!p)
            return false;
        if (v.len > 0)
            memcpy(p, v.at, v.len * size);
        jit_arena_recycle(a, v.at, v.cap * size);
        v.at = p;
    }
    v.cap = (uint32_t)cap;
    memcpy(vec, &v, sizeof v);
    return true;
}

void jit_vec_grow(arena *a, void *vec, uint32_t n, size_t size)
{
    grow(a, vec, n, size, true);
}

bool jit_vec_try_grow(arena *a, void *vec, uint32_t n, size_t size)
{
    return grow(a, vec, n, size, false);
}
