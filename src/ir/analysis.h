/* analysis.h - what can be known of a function's control flow: predecessors, order, dominators,
 * loops.
 *
 * Results live in the arena given; block indices throughout, IR_NO_BLOCK for none. Nothing
 * recursive. */
#ifndef JIT_IR_ANALYSIS_H
#define JIT_IR_ANALYSIS_H

#include "ir/func.h"

#define IR_NO_BLOCK UINT32_MAX

/* Edges. Successors of b are succ[succ_first[b]] .. succ[succ_first[b + 1] - 1], in the order of
 * jit_inst_target() (one entry for each block call, duplicates kept); pred likewise, in any
 * order. */
typedef struct ir_cfg {
    uint32_t nblocks;
    uint32_t *succ_first, *succ;
    uint32_t *pred_first, *pred;
    uint32_t *rpo;       /* reachable blocks in reverse postorder */
    uint32_t nrpo;
    uint32_t *rpo_index; /* by block; IR_NO_BLOCK when unreachable */
} ir_cfg;
void jit_cfg_compute(ir_cfg *c, const jit_func *f, arena *tmp);

/* Dominators (Cooper, Harvey, Kennedy 2001, with a bound; or semi-NCA). idom by block. pre and
 * post number the tree, so that dominance is two compares. */
typedef struct ir_dom { uint32_t *idom, *pre, *post; } ir_dom;
void jit_dom_compute(ir_dom *d, const ir_cfg *c, arena *tmp);
static inline bool dom_block(const ir_dom *d, uint32_t a, uint32_t b)
{
    return d->pre[a] <= d->pre[b] && d->post[b] <= d->post[a];
}

/* Loops, irreducible ones too (Havlak's nesting, nearly linear, no recursion). */
typedef struct ir_loops {
    uint32_t nloops;
    uint32_t *loop_of;     /* by block: innermost loop, IR_NO_BLOCK: none */
    uint32_t *header;      /* by loop */
    uint32_t *parent;      /* by loop */
    uint32_t *depth;       /* by block: 0 outside all loops */
    uint8_t *irreducible;  /* by loop */
} ir_loops;
void jit_loops_compute(ir_loops *l, const ir_cfg *c, arena *tmp);

/* Block order for code: reverse postorder with loops contiguous (l NULL: as it is), cold blocks
 * last (in order among themselves); the entry first; unreachable blocks left out. Returns the
 * number. */
uint32_t jit_block_order(const jit_func *f, const ir_cfg *c, const ir_loops *l, uint32_t *order,
                         arena *tmp);

/* Estimated executions of each block for one entry: 10 for each loop level (at most 10^6), halves
 * at branches not being modelled, cold blocks 1/1000. */
void jit_block_freq(const jit_func *f, const ir_loops *l, float *freq);

#endif
