/* cfg.c - edges of the control-flow graph and the reverse postorder of what can be reached.
 *
 * Cost: linear in blocks and edges. */
#include "ir/analysis.h"

#include <string.h>

/* The terminator of a block; NULL for a block without instructions. */
static const ir_inst *last_inst(const jit_func *f, uint32_t block)
{
    const ir_block *b = &f->blocks.at[block];
    return b->end > b->first ? inst_at(f, b->end - 1) : NULL;
}

static void collect_edges(ir_cfg *c, const jit_func *f, arena *tmp)
{
    uint32_t n = c->nblocks, total = 0;

    c->succ_first = ARENA_ARRAY_RAW(tmp, uint32_t, (size_t)n + 1);
    for (uint32_t b = 0; b < n; b++) {
        const ir_inst *i = last_inst(f, b);
        c->succ_first[b] = total;
        if (i)
            total += jit_inst_target_count(f, i);
    }
    c->succ_first[n] = total;
    c->succ = ARENA_ARRAY_RAW(tmp, uint32_t, total);
    for (uint32_t b = 0; b < n; b++) {
        const ir_inst *i = last_inst(f, b);
        for (uint32_t k = c->succ_first[b]; k < c->succ_first[b + 1]; k++)
            c->succ[k] = block_call(f, jit_inst_target(f, i, k - c->succ_first[b])).block;
    }
}

/* Turns the successors round: counts, sums, then enters from the last place down. */
static void collect_preds(ir_cfg *c, arena *tmp)
{
    uint32_t n = c->nblocks, total = c->succ_first[n];

    c->pred_first = ARENA_ARRAY(tmp, uint32_t, (size_t)n + 1);
    c->pred = ARENA_ARRAY_RAW(tmp, uint32_t, total);
    for (uint32_t k = 0; k < total; k++)
        c->pred_first[c->succ[k]]++;
    for (uint32_t b = 0, sum = 0; b <= n; b++) {
        sum += c->pred_first[b];
        c->pred_first[b] = sum;
    }
    for (uint32_t b = n; b-- > 0;)
        for (uint32_t k = c->succ_first[b + 1]; k-- > c->succ_first[b];)
            c->pred[--c->pred_first[c->succ[k]]] = b;
}

/* Depth first from the entry, the last successor first, so that the first one comes next in the
 * order. */
static void order_blocks(ir_cfg *c, const jit_func *f, arena *tmp)
{
    uint32_t n = c->nblocks, depth = 0, at = n;
    uint32_t *stack = ARENA_ARRAY_RAW(tmp, uint32_t, n), *left = ARENA_ARRAY_RAW(tmp, uint32_t, n);
    uint32_t *post = ARENA_ARRAY_RAW(tmp, uint32_t, n);

    c->rpo_index = ARENA_ARRAY_RAW(tmp, uint32_t, n);
    for (uint32_t b = 0; b < n; b++)
        c->rpo_index[b] = IR_NO_BLOCK;
    if (f->layout.len > 0) {
        uint32_t entry = f->layout.at[0];
        stack[depth++] = entry;
        left[entry] = c->succ_first[entry + 1];
        c->rpo_index[entry] = 0; /* seen */
    }
    while (depth > 0) {
        uint32_t b = stack[depth - 1], s;
        if (left[b] == c->succ_first[b]) {
            post[--at] = b;
            depth--;
            continue;
        }
        s = c->succ[--left[b]];
        if (c->rpo_index[s] == IR_NO_BLOCK) {
            c->rpo_index[s] = 0;
            left[s] = c->succ_first[s + 1];
            stack[depth++] = s;
        }
    }
    c->rpo = post + at;
    c->nrpo = n - at;
    for (uint32_t k = 0; k < c->nrpo; k++)
        c->rpo_index[c->rpo[k]] = k;
}

void jit_cfg_compute(ir_cfg *c, const jit_func *f, arena *tmp)
{
    memset(c, 0, sizeof *c);
    c->nblocks = f->blocks.len;
    collect_edges(c, f, tmp);
    collect_preds(c, tmp);
    order_blocks(c, f, tmp);
}
