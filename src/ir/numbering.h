/* numbering.h - from numbers of the text (v7, block3) to ids, for one function after another.
 *
 * Numbers below the length of the text stand in an array that grows to the largest one seen, so its
 * memory is bounded by the text; larger ones are in a hash map. A stamp each saves clearing. */
#ifndef JIT_IR_NUMBERING_H
#define JIT_IR_NUMBERING_H

#include "support/map.h"
#include <string.h>

typedef struct numbering_entry { uint32_t stamp, id; } numbering_entry;
typedef struct numbering {
    numbering_entry *at;
    uint32_t cap;
    uint32_t limit; /* numbers from here on are in `sparse` */
    map sparse;
} numbering;

/* The id of a number in the function with that stamp (not 0); 0: none yet. */
static inline uint32_t numbering_get(const numbering *n, uint32_t stamp, uint32_t number)
{
    if (number < n->cap)
        return n->at[number].stamp == stamp ? n->at[number].id : 0;
    return number < n->limit ? 0 : jit_map_get(&n->sparse, (uint64_t)stamp << 32 | number);
}

static inline void numbering_put(arena *a, numbering *n, uint32_t stamp, uint32_t number,
                                 uint32_t id)
{
    if (number >= n->limit) {
        jit_map_put(a, &n->sparse, (uint64_t)stamp << 32 | number, id);
        return;
    }
    if (number >= n->cap) {
        uint32_t cap = n->cap < 64 ? 64 : n->cap;
        while (cap <= number)
            cap = cap > UINT32_MAX / 2 ? UINT32_MAX : cap * 2;
        if (cap > n->limit)
            cap = n->limit;
        numbering_entry *at = ARENA_ARRAY(a, numbering_entry, cap);
        if (n->cap > 0)
            memcpy(at, n->at, n->cap * sizeof *at);
        n->at = at;
        n->cap = cap;
    }
    n->at[number] = (numbering_entry){ stamp, id };
}

#endif
