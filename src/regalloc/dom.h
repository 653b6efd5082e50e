/* dom.h - which block lies on every way to another. */
#ifndef JIT_REGALLOC_DOM_H
#define JIT_REGALLOC_DOM_H

#include "regalloc/regalloc.h"

typedef struct ra_dom {
    uint32_t *rpo;     /* reachable blocks in reverse postorder */
    uint32_t nrpo;
    uint32_t *number;  /* by block: place in rpo; UINT32_MAX: unreachable */
    uint32_t *idom;    /* by block; the entry's is itself */
    uint32_t *in, *out;/* by block: interval in the tree */
} ra_dom;

ra_dom jit_ra_dominators(const ra_func *f, arena *tmp);

/* a lies on every path from the entry to b. False when one is unreachable. */
static inline bool dominates(const ra_dom *d, uint32_t a, uint32_t b)
{
    return d->number[a] != UINT32_MAX && d->number[b] != UINT32_MAX && d->in[a] <= d->in[b]
        && d->out[b] <= d->out[a];
}

#endif
