/* vec.h - growable arrays whose memory is an arena's. One that is the arena's last request grows
 * where it stands; else growing copies, and gives the old copy back to the arena.
 *
 * VEC(T) declares the struct; `at` moves when the vector grows, so hold indices, not pointers. */
#ifndef JIT_SUPPORT_VEC_H
#define JIT_SUPPORT_VEC_H

#include "support/arena.h"

#define VEC(T) struct { T *at; uint32_t len, cap; }

/* Makes room for n more elements of size bytes, by doubling or, when it is large, half of it more.
 * Fails with NOMEM or LIMIT. */
void jit_vec_grow(arena *a, void *vec, uint32_t n, size_t size);
/* The same without failing: false when there is no memory (nothing changed). */
bool jit_vec_try_grow(arena *a, void *vec, uint32_t n, size_t size);

#define vec_reserve(a, v, n) \
    ((uint32_t)((v)->cap - (v)->len) < (uint32_t)(n) ? jit_vec_grow((a), (v), (n), sizeof *(v)->at) \
                                                     : (void)0)
#define vec_try_reserve(a, v, n) \
    ((uint32_t)((v)->cap - (v)->len) >= (uint32_t)(n) \
     || jit_vec_try_grow((a), (v), (n), sizeof *(v)->at))
#define vec_push(a, v, x) (vec_reserve((a), (v), 1), (void)((v)->at[(v)->len++] = (x)))
/* Gives the vector's memory back; it is empty then. */
#define vec_recycle(a, v) \
    (jit_arena_recycle((a), (v)->at, (v)->cap * sizeof *(v)->at), (v)->at = NULL, \
     (v)->len = (v)->cap = 0)

#endif
