/* bitset.h - fixed-size sets of small integers in arena memory. */
#ifndef JIT_SUPPORT_BITSET_H
#define JIT_SUPPORT_BITSET_H

#include "support/arena.h"

typedef struct bitset { uint64_t *word; uint32_t nwords; } bitset;

/* An empty set that can hold 0 .. nbits - 1. */
static inline bitset bitset_new(arena *a, uint32_t nbits)
{
    uint32_t n = nbits / 64 + 1;
    bitset s = { ARENA_ARRAY(a, uint64_t, n), n };
    return s;
}
static inline bool bitset_has(const bitset *s, uint32_t i) { return s->word[i / 64] >> i % 64 & 1; }
/* True when i was not in the set before. */
static inline bool bitset_add(bitset *s, uint32_t i)
{
    uint64_t bit = (uint64_t)1 << i % 64, old = s->word[i / 64];
    s->word[i / 64] = old | bit;
    return !(old & bit);
}
static inline void bitset_remove(bitset *s, uint32_t i)
{
    s->word[i / 64] &= ~((uint64_t)1 << i % 64);
}
void jit_bitset_clear(bitset *s);
/* a |= b over equal sizes; true when a changed. */
bool jit_bitset_union(bitset *a, const bitset *b);
/* The smallest element >= from, or UINT32_MAX. */
uint32_t jit_bitset_next(const bitset *s, uint32_t from);

#endif
