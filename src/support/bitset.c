/* bitset.c - the set operations that walk over words. */
#include "support/bitset.h"

#include <string.h>

void jit_bitset_clear(bitset *s)
{
    memset(s->word, 0, s->nwords * sizeof s->word[0]);
}

bool jit_bitset_union(bitset *a, const bitset *b)
{
    uint64_t changed = 0;

    for (uint32_t k = 0; k < a->nwords; k++) {
        uint64_t old = a->word[k];
        a->word[k] = old | b->word[k];
        changed |= old ^ a->word[k];
    }
    return changed != 0;
}

uint32_t jit_bitset_next(const bitset *s, uint32_t from)
{
    uint32_t k = from / 64;
    uint64_t word;

    if (k >= s->nwords)
        return UINT32_MAX;
    word = s->word[k] & ~(uint64_t)0 << from % 64;
    while (word == 0) {
        if (++k == s->nwords)
            return UINT32_MAX;
        word = s->word[k];
    }
    return k * 64 + (uint32_t)__builtin_ctzll(word);
}
