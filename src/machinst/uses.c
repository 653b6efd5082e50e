/* uses.c - one pass over the IR, in the order of code: what each value really is and how often it
 * is read.
 *
 * The root of a value is the value whose register it shares: ireduce and uextend (where the upper
 * bits are known to be zero) and bitcasts that change nothing make no code; the parameter of a
 * block with one incoming edge is its argument. A definition comes before its uses in reverse
 * postorder, so roots are final when they are asked for. Uses count on roots. */
#include "machinst/mfunc.h"

/* The block whose uses are counted. */
typedef struct here { uint32_t first, n, param; } here; /* its instructions; as def of its
                                                         * parameters */

static inline void count_use(lower *l, uint32_t v, here h)
{
    lower_value *x = lower_val(l, lower_root(l, v));
    bool inside = (x->def - h.first < h.n) | (x->def == h.param);

    _Static_assert(USES_MANY == 2 * USES_ONE, "the second use adds it");
    x->info |= (uint8_t)((x->info & USES_ONE) << 1 | USES_ONE | !inside * USES_CROSS);
}

static void set_root(lower *l, uint32_t v, uint32_t of, unsigned nonzero)
{
    lower_val(l, v)->root = lower_root(l, of);
    lower_val(l, v)->nonzero = (uint8_t)nonzero;
}

/* Bytes of root that may be non-zero when its register is read whole. */
static unsigned root_nonzero(const lower *l, uint32_t root)
{
    const ir_inst *i = jit_lower_def(l, root);

    return i && root == i->c ? l->target->zero_upper(l->f, i, l->features) : 16;
}

/* True when i, of ALIAS, makes no code: its result is an alias from now on. */
static inline bool make_alias(lower *l, const ir_inst *i)
{
    unsigned n, bytes;

    switch (i->op) {
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

static void count_targets(mfunc *m, const ir_inst *i, uint32_t b, here h)
{
    lower *l = &m->l;
    uint32_t k = m->mblock_of[b], n = m->first_target[k + 1] - m->first_target[k];

    for (uint32_t j = 0; j < n; j++) {
        uint32_t call = mach_target(l->f, i, j);
        ir_target to = block_call(l->f, call);
        if (to.nargs == 0)
            continue;
        const ir_block *tb = &l->f->blocks.at[to.block];
        if (m->merged_pred[to.block] == call) {
            for (uint32_t a = 0; a < to.nargs; a++)
                set_root(l, l->f->pool.at[tb->params + a], to.args[a],
                         lower_val(l, to.args[a])->nonzero);
            continue;
        }
        bool split = m->blocks.at[m->targets.at[m->first_target[k] + j]].ir_block == IR_NO_BLOCK;
        for (uint32_t a = 0; a < to.nargs; a++) {
            count_use(l, to.args[a], h);
            if (split) /* read in the edge's own block */
                lower_val(l, lower_root(l, to.args[a]))->info |= USES_CROSS;
        }
    }
}

enum { /* what the pass asks of an opcode, besides INST_STAYS */
    EFFECT = 1, /* no load may be moved past it */
    LOADS = 8, ALIAS = 16, MADE = 32, BRANCH = 64, RARE = 128
};
_Static_assert(INST_STAYS == 4, "none of the above");
#define IS(op, name) (JIT_OP_##op == JIT_OP_##name)
#define OP(op, format, types, rule, props, meaning)                                             \
    [JIT_OP_##op] = ((props) & (OP_STORES | OP_CALL | OP_TRAPS | OP_EFFECT) ? EFFECT : 0)       \
                  | ((props) & (OP_EFFECT | OP_TERM) ? INST_STAYS : 0)                          \
                  | ((props) & OP_LOADS ? LOADS : 0) | ((props) & OP_BRANCH ? BRANCH : 0)       \
                  | (IS(op, ireduce) || IS(op, uextend) || IS(op, bitcast) ? ALIAS : 0)         \
                  | (IS(op, iconst) || IS(op, f32const) || IS(op, f64const)                     \
                     || IS(op, stack_addr) ? MADE : 0)                                          \
                  | (IS(op, return) || IS(op, get_frame_pointer)                                \
                     || IS(op, get_return_address) ? RARE : 0),
static const uint8_t asked[JIT_OP_COUNT] = {
#include "gantry/jit_opcodes.def"
};
#undef OP

/* A load that may fault stays; one whose fault can be told from others is an effect. */
static inline unsigned load_facts(const jit_func *f, const ir_inst *i)
{
    const jit_mem *m = &f->mems.at[i->aux];

    if (m->bits & JIT_MEM_NOTRAP)
        return 0;
    return INST_STAYS | (m->trap != 0 && m->trap != JIT_TRAP_HEAP_OOB ? EFFECT : 0);
}

static void rare_uses(mfunc *m, const ir_inst *i, here h)
{
    if (i->op != JIT_OP_return)
        m->l.uses_fp = true;
    else if (m->sret_param)
        count_use(&m->l, m->sret_param, h); /* some conventions return it */
}

static void block_uses(mfunc *m, uint32_t b)
{
    lower *l = &m->l;
    const jit_func *f = l->f;
    const ir_block *block = &f->blocks.at[b];
    here h = { block->first, block->end - block->first, b | LOWER_PARAM };
    uint32_t effects = 0;

    for (uint32_t k = block->first; k < block->end; k++) {
        const ir_inst *i = inst_at(f, k);
        unsigned facts = asked[i->op];
        l->effects[k] = effects;
        if (facts & (ALIAS | MADE)) {
            l->facts[k] = INST_NO_CODE;
            if (facts & MADE) {
                lower_val(l, i->c)->info |= USES_MADE;
                continue;
            }
            if (make_alias(l, i))
                continue;
        }
        if ((facts & (LOADS | INST_STAYS)) == LOADS) /* atomics hold more than flags in aux */
            facts |= load_facts(f, i);
        effects += facts & EFFECT;
        l->facts[k] = (uint8_t)(facts & INST_STAYS);
        ir_args args = inst_args(f, i);
        for (uint32_t a = 0; a < args.len; a++)
            count_use(l, args.at[a], h);
        if (facts & BRANCH)
            count_targets(m, i, b, h);
        else if (facts & RARE)
            rare_uses(m, i, h);
    }
}

/* Every value is its own root so far, and nobody reads it. */
static void start_values(lower *l)
{
    static const struct { uint8_t width, cls, wide; } kinds[] = { /* by scalar type */
        [0] = { 4, RC_INT, 1 },
        [JIT_I8] = { 4, RC_INT, 0 }, [JIT_I16] = { 4, RC_INT, 0 }, [JIT_I32] = { 4, RC_INT, 0 },
        [JIT_I64] = { 8, RC_INT, 0 }, [JIT_I128] = { 16, RC_INT, 1 },
        [JIT_F16] = { 4, RC_FLOAT, 1 }, [JIT_F32] = { 4, RC_FLOAT, 0 }, [JIT_F64] = { 8, RC_FLOAT,
                                                                                     0 },
        [JIT_F128] = { 16, RC_FLOAT, 1 }
    };
    const ir_value *from = l->f->values.at;
    uint32_t n = l->f->values.len;
    unsigned wide = 0;

    l->values = ARENA_ARRAY_RAW(l->tmp, lower_value, (size_t)n + 1);
    l->effects = ARENA_ARRAY_RAW(l->tmp, uint32_t, inst_count(l->f));
    l->facts = ARENA_ARRAY_RAW(l->tmp, uint8_t, inst_count(l->f));
    for (uint32_t v = 1; v <= n; v++) {
        unsigned t = from[v - 1].type;
        unsigned k = t < sizeof kinds / sizeof *kinds ? t : JIT_F128; /* vectors are as wide */
        uint32_t def = from[v - 1].def | (from[v - 1].kind == VALUE_RESULT ? 0 : LOWER_PARAM);
        l->values[v] = (lower_value){ v, 0, def, 0, 16, kinds[k].width, kinds[k].cls };
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
