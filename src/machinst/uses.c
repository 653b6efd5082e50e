/* uses.c - one pass over the IR, in the order of code: what each value really is and how often it is read.
 *
 * The root of a value is the value whose register it shares: ireduce and uextend (where the upper bits
 * are known to be zero) and bitcasts that change nothing make no code; the parameter of a block with one
 * incoming edge is its argument. A definition comes before its uses in reverse postorder, so roots are
 * final when they are asked for. Uses count on roots. */
#include "machinst/mfunc.h"

static void count_use(lower *l, uint32_t v, const ir_block *block, uint32_t b)
{
    uint32_t root = lower_root(l, v);
    lower_value *x = lower_val(l, root);
    const ir_value *d = &l->f->values.at[root - 1];
    bool here = d->kind == VALUE_RESULT ? d->def - block->first < block->end - block->first : d->def == b;

    x->info |= (uint8_t)((x->info & USES_ONE) * USES_MANY | USES_ONE | (here ? 0 : USES_CROSS));
}

static void set_root(lower *l, uint32_t v, uint32_t of, unsigned nonzero)
{
    lower_val(l, v)->root = lower_root(l, of);
    lower_val(l, v)->nonzero = (uint8_t)nonzero;
}

/* Bytes of root that may be non-zero when its register is read whole. */
static unsigned root_nonzero(const lower *l, uint32_t root)
{
    const ir_value *d = &l->f->values.at[root - 1];

    if (d->kind != VALUE_RESULT)
        return 16;
    const ir_inst *i = inst_at(l->f, d->def);
    return root == i->c ? l->target->zero_upper(l->f, i, l->features) : 16;
}

/* True when i makes no code of its own: a no-op on a register, which is an alias from now on, or what
 * is made where it is read. */
static inline bool make_alias(lower *l, const ir_inst *i)
{
    unsigned n, bytes;

    switch (i->op) {
    case JIT_OP_iconst:
    case JIT_OP_f32const:
    case JIT_OP_f64const:
    case JIT_OP_stack_addr:
        lower_val(l, i->c)->info |= USES_MADE;
        return true;
    case JIT_OP_ireduce:
        if (value_type(l->f, i->a) == JIT_I128)
            return false;
        set_root(l, i->c, i->a, lower_val(l, i->a)->nonzero);
        return true;
    case JIT_OP_bitcast:
        if (value_type(l->f, i->a) != i->type || jit_type_is_vector(i->type))
            return false;
        set_root(l, i->c, i->a, lower_val(l, i->a)->nonzero);
        return true;
    case JIT_OP_uextend:
        if (i->type == JIT_I128)
            return false;
        bytes = jit_type_bytes(value_type(l->f, i->a));
        n = lower_val(l, i->a)->nonzero;
        if (n > bytes)
            n = root_nonzero(l, lower_root(l, i->a));
        if (n > bytes)
            return false;
        set_root(l, i->c, i->a, n);
        lower_val(l, lower_root(l, i->c))->info |= USES_WIDE;
        return true;
    default:
        return false;
    }
}

static void count_targets(mfunc *m, const ir_inst *i, const ir_block *block, uint32_t b)
{
    lower *l = &m->l;
    uint32_t k = m->mblock_of[b], n = m->first_target[k + 1] - m->first_target[k];

    for (uint32_t j = 0; j < n; j++) {
        uint32_t call = jit_inst_target(l->f, i, j);
        ir_target to = block_call(l->f, call);
        if (to.nargs == 0)
            continue;
        const ir_block *tb = &l->f->blocks.at[to.block];
        if (m->merged_pred[to.block] == call) {
            for (uint32_t a = 0; a < to.nargs; a++)
                set_root(l, l->f->pool.at[tb->params + a], to.args[a], lower_val(l, to.args[a])->nonzero);
            continue;
        }
        bool split = m->blocks.at[m->targets.at[m->first_target[k] + j]].ir_block == IR_NO_BLOCK;
        for (uint32_t a = 0; a < to.nargs; a++) {
            count_use(l, to.args[a], block, b);
            if (split) /* read in the edge's own block */
                lower_val(l, lower_root(l, to.args[a]))->info |= USES_CROSS;
        }
    }
}

static void block_uses(mfunc *m, uint32_t b)
{
    lower *l = &m->l;
    const jit_func *f = l->f;
    const ir_block *block = &f->blocks.at[b];

    for (uint32_t k = block->first; k < block->end; k++) {
        const ir_inst *i = inst_at(f, k);
        const op_info *o = op_of(i);
        if (make_alias(l, i))
            continue;
        ir_args args = inst_args(f, i);
        for (uint32_t a = 0; a < args.len; a++)
            count_use(l, args.at[a], block, b);
        if (o->props & OP_BRANCH)
            count_targets(m, i, block, b);
        if (i->op == JIT_OP_return && m->sret_param)
            count_use(l, m->sret_param, block, b); /* some conventions return it */
        if (i->op == JIT_OP_get_frame_pointer || i->op == JIT_OP_get_return_address)
            l->uses_fp = true;
    }
}

/* Every value is its own root so far, and nobody reads it. */
static void start_values(lower *l)
{
    static const struct { uint8_t width, cls, wide; } kinds[] = { /* by scalar type */
        [0] = { 4, RC_INT, 1 },
        [JIT_I8] = { 4, RC_INT, 0 }, [JIT_I16] = { 4, RC_INT, 0 }, [JIT_I32] = { 4, RC_INT, 0 },
        [JIT_I64] = { 8, RC_INT, 0 }, [JIT_I128] = { 16, RC_INT, 1 },
        [JIT_F16] = { 4, RC_FLOAT, 1 }, [JIT_F32] = { 4, RC_FLOAT, 0 }, [JIT_F64] = { 8, RC_FLOAT, 0 },
        [JIT_F128] = { 16, RC_FLOAT, 1 }
    };
    const ir_value *from = l->f->values.at;
    uint32_t n = l->f->values.len;
    unsigned wide = 0;

    l->values = ARENA_ARRAY_RAW(l->tmp, lower_value, (size_t)n + 1);
    for (uint32_t v = 1; v <= n; v++) {
        unsigned t = from[v - 1].type;
        unsigned k = t < sizeof kinds / sizeof *kinds ? t : JIT_F128; /* vectors are as wide */
        l->values[v] = (lower_value){ v, 0, 0, 16, kinds[k].width, kinds[k].cls };
        wide |= kinds[k].wide;
    }
    l->has_wide = wide != 0;
}

void jit_mach_uses(mfunc *m)
{
    lower *l = &m->l;

    start_values(l);
    const ir_block *entry = &l->f->blocks.at[l->f->layout.at[0]];
    for (uint32_t k = 0; k < l->f->sig.nparams; k++)
        if (JIT_PARAM_PURPOSE(l->f->sig.params[k]) == JIT_SRET && l->abi->sret_reg != 0xff)
            m->sret_param = l->f->pool.at[entry->params + k];
    for (uint32_t k = 0; k < m->blocks.len; k++)
        if (m->blocks.at[k].ir_block != IR_NO_BLOCK)
            block_uses(m, m->blocks.at[k].ir_block);
}
