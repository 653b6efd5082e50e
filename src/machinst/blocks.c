/* blocks.c - the blocks of machine code: IR blocks in order, with critical edges split.
 *
 * An edge is critical when its source has several successors and its target several predecessors.
 * It gets a block of its own right behind its source. Entries of one br_table that lead to one
 * block without arguments count as one edge. */
#include "machinst/mfunc.h"

typedef struct edges {
    uint32_t *npreds; /* by IR block: distinct edges that lead there */
    uint32_t *seen;   /* by IR block: source block + 1 that last led here without arguments */
    uint32_t *edge_block; /* by IR block: mblock of that edge when split; before, edges into it from
                           * sources with several successors */
    uint64_t nargs;       /* of all edges */
} edges;

static const ir_inst *terminator(const jit_func *f, uint32_t block)
{
    return inst_at(f, f->blocks.at[block].end - 1);
}

/* Counts the edges into each block and finds the one call of those that have only one. */
static void count_edges(mfunc *m, edges *e, const uint32_t *order, uint32_t n)
{
    const jit_func *f = m->l.f;

    for (uint32_t k = 0; k < n; k++) {
        const ir_inst *t = terminator(f, order[k]);
        uint32_t nt = mach_target_count(f, t);
        if (t->op == JIT_OP_try_call || t->op == JIT_OP_try_call_indirect) {
            m->l.fail->inst = f->blocks.at[order[k]].end;
            jit_fail(m->l.fail, JIT_ERR_UNSUPPORTED, "%s: exceptions are not implemented",
                     op_of(t)->name);
        }
        for (uint32_t j = 0; j < nt; j++) {
            uint32_t call = mach_target(f, t, j);
            ir_target to = block_call(f, call);
            if (to.nargs == 0) {
                if (e->seen[to.block] == order[k] + 1)
                    continue;
                e->seen[to.block] = order[k] + 1;
            }
            e->nargs += to.nargs;
            e->edge_block[to.block] += nt > 1;
            m->merged_pred[to.block] = e->npreds[to.block]++ ? 0 : call;
        }
    }
}

static uint32_t room(uint64_t n)
{
    return n < 1u << 28 ? (uint32_t)n : 1u << 28; /* whatever is more grows later */
}

/* Makes room for the n IR blocks of an order, the edges that are to be split and all lists. */
static void make_room(mfunc *m, const edges *e, const uint32_t *order, uint32_t n, bool whole)
{
    uint64_t nblocks = n, nargs = e->nargs, nedges = m->cfg->succ_first[m->l.f->blocks.len];
    arena *tmp = m->l.tmp;

    for (uint32_t k = 0; k < n; k++) {
        uint32_t b = order[k], nparams = m->l.f->blocks.at[b].nparams;
        nargs += nparams;
        if (e->npreds[b] > 1 && (whole || nparams > 0))
            nblocks += e->edge_block[b];
    }
    uint64_t nlists = 1 + 2 * (nedges + nblocks - n) + nargs;
    vec_reserve(tmp, &m->blocks, room(nblocks));
    vec_reserve(tmp, &m->ra_blocks, room(nblocks));
    vec_reserve(tmp, &m->targets, room(nedges));
    vec_reserve(tmp, &m->lists, room(nlists));
}

static uint32_t push_block(mfunc *m, mblock b)
{
    ra_block r = { 0 };

    vec_push(m->l.tmp, &m->blocks, b);
    vec_push(m->l.tmp, &m->ra_blocks, r);
    return m->blocks.len - 1;
}

/* Makes the edge blocks of source block `b`; pushes each target's mblock, IR blocks as id | high
 * bit until all are numbered. */
#define IS_IR 0x80000000u
static void split_edges(mfunc *m, edges *e, uint32_t b, bool whole)
{
    const jit_func *f = m->l.f;
    const ir_inst *t = terminator(f, b);
    uint32_t nt = mach_target_count(f, t);

    for (uint32_t j = 0; j < nt; j++) {
        uint32_t call = mach_target(f, t, j);
        ir_target to = block_call(f, call);
        bool again = to.nargs == 0 && e->seen[to.block] == b + 1;
        uint32_t dest = to.block | IS_IR;
        if (nt > 1 && e->npreds[to.block] > 1 && (whole || to.nargs > 0)) {
            if (again) {
                dest = e->edge_block[to.block];
            } else {
                mblock edge = { IR_NO_BLOCK, call, to.block };
                dest = e->edge_block[to.block] = push_block(m, edge);
                m->ra_blocks.at[dest].cold = f->blocks.at[to.block].cold;
            }
        }
        if (to.nargs == 0)
            e->seen[to.block] = b + 1;
        vec_push(m->l.tmp, &m->targets, dest);
    }
}

/* Turns targets into mblocks and fills in successors and predecessors. */
static void link_blocks(mfunc *m)
{
    uint32_t n = m->blocks.len;
    arena *tmp = m->l.tmp;
    uint32_t *npreds = ARENA_ARRAY(tmp, uint32_t, n), *last = ARENA_ARRAY(tmp, uint32_t, n);

    for (uint32_t k = 0; k < m->targets.len; k++)
        if (m->targets.at[k] & IS_IR)
            m->targets.at[k] = m->mblock_of[m->targets.at[k] & ~IS_IR];
    for (uint32_t k = 0; k < n; k++) {
        ra_block *r = &m->ra_blocks.at[k];
        mblock *b = &m->blocks.at[k];
        r->succs = m->lists.len;
        if (b->ir_block == IR_NO_BLOCK) {
            b->edge_to = m->mblock_of[b->edge_to];
            vec_push(tmp, &m->lists, b->edge_to);
            npreds[b->edge_to]++;
        } else {
            for (uint32_t j = m->first_target[k]; j < m->first_target[k + 1]; j++) {
                uint32_t to = m->targets.at[j];
                if (last[to] == k + 1)
                    continue; /* several entries of a table, no arguments */
                last[to] = k + 1;
                vec_push(tmp, &m->lists, to);
                npreds[to]++;
            }
        }
        r->nsuccs = m->lists.len - r->succs;
    }
    vec_reserve(tmp, &m->lists, m->lists.len); /* as many preds as succs */
    for (uint32_t k = 0; k < n; k++) {
        m->ra_blocks.at[k].preds = m->lists.len;
        m->lists.len += npreds[k];
    }
    for (uint32_t k = 0; k < n; k++) {
        const ra_block *r = &m->ra_blocks.at[k];
        for (uint32_t j = 0; j < r->nsuccs; j++) {
            ra_block *to = &m->ra_blocks.at[m->lists.at[r->succs + j]];
            m->lists.at[to->preds + to->npreds++] = k;
        }
    }
    jit_arena_recycle(tmp, npreds, n * sizeof *npreds);
    jit_arena_recycle(tmp, last, n * sizeof *last);
}

/* last[x]: mblock + 1 that ends loop x, from those of the blocks whose innermost loop it is.
 * Children hand theirs to their parents, deepest loops first. */
static void spread_loop_ends(mfunc *m, uint32_t *last)
{
    const ir_loops *l = &m->loops;
    uint32_t *count = ARENA_ARRAY(m->l.tmp, uint32_t, l->nloops + 2);
    uint32_t *sorted = ARENA_ARRAY_RAW(m->l.tmp, uint32_t, l->nloops);

    for (uint32_t x = 0; x < l->nloops; x++)
        count[l->depth[l->header[x]] + 1]++;
    for (uint32_t d = 1; d <= l->nloops + 1; d++)
        count[d] += count[d - 1];
    for (uint32_t x = 0; x < l->nloops; x++)
        sorted[count[l->depth[l->header[x]]]++] = x;
    for (uint32_t k = l->nloops; k-- > 0;) {
        uint32_t x = sorted[k], up = l->parent[x];
        if (up != IR_NO_BLOCK && last[up] < last[x])
            last[up] = last[x];
    }
}

static void set_weights(mfunc *m)
{
    const ir_loops *l = &m->loops;
    uint32_t n = m->blocks.len, source = 0;
    uint32_t *last = ARENA_ARRAY(m->l.tmp, uint32_t, l->nloops);
    float *freq = ARENA_ARRAY_RAW(m->l.tmp, float, m->l.f->blocks.len);

    jit_block_freq(m->l.f, l, freq);
    for (uint32_t k = 0; k < n; k++) {
        ra_block *r = &m->ra_blocks.at[k];
        uint32_t b = m->blocks.at[k].ir_block;
        if (b == IR_NO_BLOCK) { /* an edge: inside the loops that hold both its ends */
            uint32_t to = m->blocks.at[m->blocks.at[k].edge_to].ir_block;
            b = freq[to] < freq[source] ? to : source;
            r->freq = freq[b] / 2;
            r->cold |= m->l.f->blocks.at[b].cold;
        } else {
            source = b;
            r->freq = freq[b];
            r->cold = m->l.f->blocks.at[b].cold;
        }
        r->loop_depth = (uint16_t)(l->depth[b] < UINT16_MAX ? l->depth[b] : UINT16_MAX);
        if (l->loop_of[b] != IR_NO_BLOCK)
            last[l->loop_of[b]] = k + 1;
    }
    spread_loop_ends(m, last);
    for (uint32_t x = 0; x < l->nloops; x++) {
        uint32_t header = m->mblock_of[l->header[x]];
        if (header != IR_NO_BLOCK && last[x] > 0 && last[x] - 1 > m->ra_blocks.at[header].loop_end)
            m->ra_blocks.at[header].loop_end = last[x] - 1;
    }
}

void jit_mach_blocks(mfunc *m, bool whole)
{
    const jit_func *f = m->l.f;
    arena *tmp = m->l.tmp;
    uint32_t nb = f->blocks.len;
    uint32_t *order = ARENA_ARRAY_RAW(tmp, uint32_t, nb);
    edges e = { ARENA_ARRAY(tmp, uint32_t, nb), ARENA_ARRAY(tmp, uint32_t, nb),
                ARENA_ARRAY(tmp, uint32_t, nb), 0 };

    if (whole)
        jit_loops_compute(&m->loops, m->cfg, tmp);
    uint32_t n = jit_block_order(f, m->cfg, whole ? &m->loops : NULL, order, tmp);

    m->merged_pred = ARENA_ARRAY(tmp, uint32_t, nb);
    m->mblock_of = ARENA_ARRAY_RAW(tmp, uint32_t, nb);
    for (uint32_t k = 0; k < nb; k++)
        m->mblock_of[k] = IR_NO_BLOCK;
    count_edges(m, &e, order, n);
    for (uint32_t k = 0; k < nb; k++)
        e.seen[k] = 0;
    make_room(m, &e, order, n, whole);
    VEC(uint32_t) first = { 0 };
    vec_reserve(tmp, &first, m->blocks.cap + 1);
    vec_push(tmp, &m->lists, 0);
    for (uint32_t k = 0; k < n; k++) {
        mblock b = { order[k], 0, 0 };
        m->mblock_of[order[k]] = push_block(m, b);
        vec_push(tmp, &first, m->targets.len);
        split_edges(m, &e, order[k], whole);
        while (first.len < m->blocks.len)
            vec_push(tmp, &first, m->targets.len);
    }
    vec_push(tmp, &first, m->targets.len);
    m->first_target = first.at;
    link_blocks(m);
    if (whole)
        set_weights(m);
    jit_arena_recycle(tmp, order, nb * sizeof *order);
    jit_arena_recycle(tmp, e.npreds, nb * sizeof *e.npreds);
    jit_arena_recycle(tmp, e.seen, nb * sizeof *e.seen);
    jit_arena_recycle(tmp, e.edge_block, nb * sizeof *e.edge_block);
}
