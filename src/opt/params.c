/* params.c - block parameters to which every edge passes the same value, or the parameter itself.
 *
 * Such a parameter is that value (Braun et al. 2013, section 3.1: trivial phi functions). One that
 * becomes so by another's going is found in the next round.
 * Needs: a graph just begun.  Keeps: everything; only g->same_as is set.
 * Cost: linear in the arguments of all edges a round, at most eight rounds. */
#include "opt/graph.h"

enum { ROUNDS = 8 };

/* By block: the block calls that lead to it, as pool indices, from the cfg's pred_first on.
 * Edges from blocks that cannot be reached are left out. */
typedef struct edges { uint32_t *count, *call; } edges;

static const ir_inst *terminator(const jit_func *f, uint32_t b)
{
    return inst_at(f, f->blocks.at[b].end - 1);
}

static edges collect(const graph *g)
{
    const jit_func *f = g->from;
    const ir_cfg *c = g->cfg;
    edges e = { ARENA_ARRAY(g->tmp, uint32_t, c->nblocks),
                ARENA_ARRAY_RAW(g->tmp, uint32_t, c->pred_first[c->nblocks]) };

    for (uint32_t k = 0; k < c->nrpo; k++) {
        const ir_inst *i = terminator(f, c->rpo[k]);
        uint32_t n = jit_inst_target_count(f, i);
        for (uint32_t t = 0; t < n; t++) {
            uint32_t call = jit_inst_target(f, i, t), to = block_call(f, call).block;
            e.call[c->pred_first[to] + e.count[to]++] = call;
        }
    }
    return e;
}

/* The value of from that v stands for now. */
static uint32_t resolve(graph *g, uint32_t v)
{
    uint32_t to = v;

    while (g->same_as[to - 1])
        to = g->same_as[to - 1];
    while (g->same_as[v - 1]) { /* the way gets shorter */
        uint32_t next = g->same_as[v - 1];
        g->same_as[v - 1] = to;
        v = next;
    }
    return to;
}

/* The one value that all edges pass to parameter p of block b, or that parameter, self, itself;
 * 0: there are more. */
static uint32_t only_value(graph *g, const edges *e, uint32_t b, uint32_t p, uint32_t self)
{
    uint32_t only = 0, from = g->cfg->pred_first[b];

    for (uint32_t k = 0; k < e->count[b]; k++) {
        ir_target t = block_call(g->from, e->call[from + k]);
        if (t.args[p] >= EH_RET(0))
            return 0;
        uint32_t v = resolve(g, t.args[p]);
        if (v == self || v == only)
            continue;
        if (only)
            return 0;
        only = v;
    }
    return only;
}

void jit_graph_params(graph *g)
{
    const jit_func *f = g->from;
    edges e = collect(g);
    bool changed = true;

    for (unsigned round = 0; changed && round < ROUNDS; round++) {
        changed = false;
        for (uint32_t k = 1; k < g->cfg->nrpo; k++) { /* the entry's are the function's */
            uint32_t b = g->cfg->rpo[k];
            const ir_block *block = &f->blocks.at[b];
            for (uint32_t p = 0; p < block->nparams; p++) {
                uint32_t v = f->pool.at[block->params + p];
                uint32_t only = g->same_as[v - 1] ? 0 : only_value(g, &e, b, p, v);
                if (!only)
                    continue;
                g->same_as[v - 1] = only;
                changed = true;
            }
        }
    }
    for (uint32_t v = 1; v <= f->values.len; v++)
        if (g->same_as[v - 1])
            g->same_as[v - 1] = resolve(g, v);
}
