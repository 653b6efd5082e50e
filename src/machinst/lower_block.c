/* lower_block.c - lowers one block bottom up, so that what nobody reads is never lowered.
 *
 * Each IR instruction's machine instructions are said forward into a group; the group then goes in
 * front of what is there, into arrays that fill from their end. Meeting a register for the first
 * time from below means meeting its last reader: there the kill bit is set. */
#include "machinst/mfunc.h"
#include <string.h>

static void grow_code(lower *l, uint32_t n)
{
    uint64_t cap = 2 * (uint64_t)l->cap;

    if (cap == 0) /* a block's, or about what the whole function needs */
        cap = l->fast ? 256 : 64 + (uint64_t)inst_count(l->f) * 9 / 8;
    while (cap < (uint64_t)l->ninsts + n)
        cap *= 2;
    if (cap > UINT32_MAX / 2)
        jit_fail(l->fail, JIT_ERR_LIMIT, "more than 2^31 machine instructions");
    minst *insts = ARENA_ARRAY_RAW(l->tmp, minst, cap);
    ra_inst *ra = ARENA_ARRAY_RAW(l->tmp, ra_inst, cap);
    if (l->ninsts) {
        memcpy(insts + cap - l->ninsts, l->insts + l->cap - l->ninsts, l->ninsts * sizeof *insts);
        memcpy(ra + cap - l->ninsts, l->ra + l->cap - l->ninsts, l->ninsts * sizeof *ra);
    }
    jit_arena_recycle(l->tmp, l->insts, l->cap * sizeof *insts);
    jit_arena_recycle(l->tmp, l->ra, l->cap * sizeof *ra);
    l->insts = insts;
    l->ra = ra;
    l->cap = (uint32_t)cap;
}

/* Uses of an instruction are met before its definitions: a tied pair reads and writes two vregs. */
static inline void mark_kills(ra_vreg *vregs, ra_operand *ops, uint32_t n)
{
    while (n-- > 0) {
        ra_operand *o = &ops[n];
        if (o->vreg == RA_NO_VREG)
            continue;
        ra_vreg *v = &vregs[o->vreg];
        o->kill = !(v->flags & (VREG_GLOBAL | VREG_SEEN));
        v->flags |= o->kind <= RA_USE_LATE ? VREG_SEEN : 0;
    }
}

/* Only the fast allocator asks for the kill bits. */
static inline void prepend(lower *l, const said_inst *from, uint32_t n)
{
    uint32_t to = l->cap - l->ninsts;

    l->ninsts += n;
    while (n-- > 0) {
        const said_inst *s = &from[n];
        to--;
        l->insts[to] = s->m;
        l->ra[to] = s->ra;
        if (l->fast && s->ra.nops) /* there may be no operands at all yet: C adds nothing to NULL */
            mark_kills(l->vregs.at, l->ops.at + s->ra.ops, s->ra.nops);
    }
}

void jit_mach_flush_group(mfunc *m)
{
    lower *l = &m->l;

    if (l->group.len + l->prefix.len > l->cap - l->ninsts)
        grow_code(l, l->group.len + l->prefix.len);
    prepend(l, l->group.at, l->group.len);
    if (l->prefix.len)
        prepend(l, l->prefix.at, l->prefix.len);
    l->group.len = l->prefix.len = 0;
}

/* ---- Block parameters and arguments ---- */

static bool param_read(const lower *l, uint32_t param)
{
    return lower_root(l, param) == param && lower_val(l, param)->info & USES_ONE;
}

/* The vregs of the parameters that anybody reads; a merged parameter is an alias and has none. */
static void list_params(mfunc *m, uint32_t k)
{
    lower *l = &m->l;
    ra_block *r = &m->ra_blocks.at[k];
    uint32_t b = m->blocks.at[k].ir_block;

    if (r->params || b == IR_NO_BLOCK || k == 0)
        return;
    const ir_block *block = &l->f->blocks.at[b];
    r->params = m->lists.len;
    for (uint32_t j = 0; j < block->nparams; j++) {
        uint32_t p = l->f->pool.at[block->params + j];
        if (!param_read(l, p))
            continue;
        vr v = jit_lower_in(l, p);
        vec_push(l->tmp, &m->lists, v.id);
        r->nparams++;
    }
}

/* The vregs that block k passes by `call` to its only successor, in the order of its parameters. */
static void list_args(mfunc *m, uint32_t k, uint32_t call)
{
    lower *l = &m->l;
    ir_target to = block_call(l->f, call);
    uint32_t params = l->f->blocks.at[to.block].params;

    list_params(m, m->mblock_of[to.block]);
    m->ra_blocks.at[k].args = m->lists.len;
    if (m->merged_pred[to.block] == call)
        return;
    for (uint32_t j = 0; j < to.nargs; j++) {
        if (!param_read(l, l->f->pool.at[params + j]))
            continue;
        vr v = jit_lower_in(l, to.args[j]);
        unsigned bytes = jit_type_bytes(lower_type(l, to.args[j])), width = bytes < 4 ? 4 : bytes;
        if (v.nonzero < 16 || l->vregs.at[v.id].width != width) {
            /* An alias: it becomes what its type says, and what is known of upper bits ends
             * here. */
            vr whole = jit_lower_temp(l, l->vregs.at[v.id].cls, width);
            jit_lower_move(l, whole, v, width, l->vregs.at[v.id].cls);
            v = whole;
        }
        l->vregs.at[v.id].flags |= VREG_SEEN; /* read behind the last instruction */
        vec_push(l->tmp, &m->lists, v.id);
    }
}

static void lower_jump(mfunc *m, uint32_t k, uint32_t call, uint32_t to)
{
    lower *l = &m->l;

    list_args(m, k, call);
    jit_lower_emit(l, MI_JUMP, 0)->ref = to;
    jit_lower_flags(l, RA_TERM, 0);
}

/* ---- Instructions ---- */

static inline bool is_needed(const lower *l, uint32_t at, const ir_inst *i)
{
    if (l->facts[at] & (INST_SUNK | INST_NO_CODE))
        return false;
    if (l->facts[at] & INST_STAYS)
        return true;
    for (uint32_t k = 0; k < op_of(i)->nresults; k++)
        if (jit_lower_result_used(l, i, k))
            return true;
    return false;
}

static void lower_inst(mfunc *m, uint32_t k, const ir_inst *i)
{
    lower *l = &m->l;

    if (i->op == JIT_OP_jump) {
        lower_jump(m, k, i->a, m->targets.at[m->first_target[k]]);
        return;
    }
    l->target_block = m->targets.at + m->first_target[k];
    jit_lower_op(l, i);
    if (op_of(i)->props & OP_TERM)
        lower_newest(l)->flags |= RA_TERM;
}

enum { INSTS_BETWEEN_ASKS = 512 }; /* a power of two; compile.c asks between blocks */

static void ask_host(const lower *l)
{
    const jit_limits *limits = &l->settings->limits;

    if (limits->cancel && limits->cancel(limits->cancel_user))
        jit_fail(l->fail, JIT_ERR_CANCELLED, "cancelled by the host");
}

void jit_mach_lower_block(mfunc *m, uint32_t k)
{
    lower *l = &m->l;
    const jit_func *f = l->f;
    mblock b = m->blocks.at[k];

    if (b.ir_block == IR_NO_BLOCK) {
        lower_jump(m, k, b.edge_call, b.edge_to);
        jit_mach_flush_group(m);
        return;
    }
    l->block = &f->blocks.at[b.ir_block];
    list_params(m, k);
    for (uint32_t at = l->block->end; at-- > l->block->first;) {
        const ir_inst *i = inst_at(f, at);
        if (at % INSTS_BETWEEN_ASKS == 0)
            ask_host(l);
        if (!is_needed(l, at, i))
            continue;
        l->at = at;
        l->fail->inst = at + 1;
        lower_inst(m, k, i);
        jit_mach_flush_group(m);
    }
    l->fail->inst = 0;
    if (k == 0) {
        l->at = l->block->first;
        jit_mach_lower_entry(m);
        jit_mach_flush_group(m);
    }
}
