/* lower_api.c - what target rules ask of and say to the lowering driver. */
#include "machinst/lower.h"
#include "machinst/target.h"
#include <string.h>

/* ---- Matching ---- */

static int64_t sign_extend(uint64_t bits, unsigned width)
{
    return width >= 64 ? (int64_t)bits : (int64_t)(bits << (64 - width)) >> (64 - width);
}

bool jit_lower_const_bits(const lower *l, uint32_t v, int64_t *bits)
{
    const ir_inst *d = jit_lower_def(l, v);
    jit_type t = lower_type(l, v);

    if (!d || d->op != JIT_OP_iconst || !jit_type_is_int(t) || t == JIT_I128)
        return false;
    *bits = sign_extend(inst_imm64(d), jit_type_bits(t));
    return true;
}

bool jit_lower_fconst(const lower *l, uint32_t v, uint64_t *bits)
{
    const ir_inst *d = jit_lower_def(l, v);

    if (!d || (d->op != JIT_OP_f32const && d->op != JIT_OP_f64const))
        return false;
    *bits = d->op == JIT_OP_f32const ? d->a : inst_imm64(d);
    return true;
}

const ir_inst *jit_lower_may_fuse(const lower *l, const ir_inst *d)
{
    const op_info *o = op_of(d);

    if (o->props & (OP_EFFECT | OP_CALL | OP_STORES))
        return NULL;
    if (o->props & OP_LOADS
        && (o->format != FMT_LOAD || l->effects[d - l->f->insts.at] != l->effects[l->at]))
        return NULL;
    return d;
}

const ir_inst *jit_lower_repeats(const lower *l, uint32_t v)
{
    const ir_inst *d = lower_def_here(l, v);

    return d && !(op_of(d)->props & (OP_LOADS | OP_EFFECT | OP_CALL | OP_STORES)) ? d : NULL;
}

unsigned jit_lower_nonzero(const lower *l, uint32_t v)
{
    return lower_val(l, v)->nonzero;
}

/* ---- Inputs and outputs ---- */

/* The register of a root value, made when it is asked for first. */
static uint32_t root_vreg(lower *l, uint32_t root)
{
    lower_value *x = lower_val(l, root);
    bool param = x->def & LOWER_PARAM && x->def != (l->f->layout.at[0] | LOWER_PARAM);

    if (x->vreg)
        return x->vreg - 1;
    vr r = jit_lower_temp(l, x->cls, x->info & USES_WIDE && x->width < 8 ? 8 : x->width);
    if (param || x->info & USES_CROSS)
        l->vregs.at[r.id].flags = VREG_GLOBAL;
    x->vreg = r.id + 1;
    return r.id;
}

/* Constants and addresses are made for each use, ahead of the instruction that reads them. */
static vr make_here(lower *l, uint32_t v)
{
    const ir_inst *d = jit_lower_def(l, v);
    jit_type t = lower_type(l, v);
    uint32_t group = l->group.len;
    vr r;

    if (d->op == JIT_OP_stack_addr) {
        r = jit_lower_temp(l, RC_INT, 8);
        l->target->address(l, r, MEM_SLOT, d->a - 1, (int32_t)d->b);
    } else {
        uint64_t bits = d->op == JIT_OP_f32const ? d->a : inst_imm64(d);
        unsigned width = jit_type_bits(t);
        r = jit_lower_temp(l, lower_val(l, v)->cls, lower_val(l, v)->width);
        if (width < 64)
            bits &= ((uint64_t)1 << width) - 1;
        l->target->constant(l, r, t, bits);
    }
    if (l->in_place)
        return r;
    /* What was just said belongs before the group. */
    for (uint32_t k = group; k < l->group.len; k++)
        vec_push(l->tmp, &l->prefix, l->group.at[k]);
    l->group.len = group;
    return r;
}

vr jit_lower_first_in(lower *l, uint32_t v)
{
    uint32_t root = lower_root(l, v);
    const lower_value *x = lower_val(l, v);
    vr r = { 0, 16 };

    if (lower_val(l, root)->info & USES_MADE)
        return make_here(l, v);
    r.id = root_vreg(l, root);
    if (root == v)
        return r;
    JIT_REQUIRE(l->fail, l->vregs.at[r.id].width >= x->width,
                "a value is read wider than it is kept");
    if (x->nonzero < jit_type_bytes(lower_type(l, v)))
        r.nonzero = x->nonzero;
    return r;
}

vr jit_lower_first_out(lower *l, uint32_t v)
{
    vr r = { root_vreg(l, v), 16 };
    return r;
}

/* ---- Instructions ---- */

static inline void add_operand(lower *l, vr r, unsigned kind, unsigned constraint, unsigned fixed,
                               unsigned width, unsigned nonzero)
{
    ra_inst *i = lower_newest(l);

    JIT_REQUIRE(l->fail, i->nops < 255, "too many operands");
    vec_reserve(l->tmp, &l->ops, 1);
    l->ops.at[l->ops.len++] = (ra_operand){ r.id, kind & 7, constraint & 7, 0, (uint8_t)fixed,
                                            (uint8_t)width, (uint8_t)nonzero, LOC_NONE };
    i->nops++;
    if (constraint == RA_FIXED && r.id != RA_NO_VREG && l->vregs.at[r.id].hint == 0xff)
        l->vregs.at[r.id].hint = (uint8_t)fixed;
}

void jit_lower_use(lower *l, vr r, unsigned constraint, unsigned fixed, unsigned width)
{
    add_operand(l, r, RA_USE, constraint, fixed, width, width > r.nonzero ? r.nonzero : 16);
}

void jit_lower_use_late(lower *l, vr r, unsigned width)
{
    add_operand(l, r, RA_USE_LATE, RA_REG, 0, width, width > r.nonzero ? r.nonzero : 16);
}

void jit_lower_define(lower *l, vr r, unsigned constraint, unsigned fixed, unsigned width,
                      unsigned nonzero)
{
    add_operand(l, r, RA_DEF, constraint, fixed, width, nonzero);
}

void jit_lower_define_early(lower *l, vr r, unsigned constraint, unsigned fixed, unsigned width,
                            unsigned nonzero)
{
    add_operand(l, r, RA_DEF_EARLY, constraint, fixed, width, nonzero);
}

void jit_lower_scratch(lower *l, unsigned cls, unsigned constraint, unsigned fixed)
{
    add_operand(l, jit_lower_temp(l, cls, 8), RA_TEMP, constraint, fixed, 8, 16);
}

void jit_lower_flags(lower *l, unsigned ra_flags, regset clobber)
{
    ra_inst *i = lower_newest(l);

    i->flags |= (uint8_t)ra_flags;
    if (!clobber)
        return;
    for (uint32_t k = 1; k < l->clobbers.len; k++)
        if (l->clobbers.at[k] == clobber) {
            i->clobber = (uint8_t)k;
            return;
        }
    if (l->clobbers.len > 255)
        jit_fail(l->fail, JIT_ERR_LIMIT, "more than 255 different sets of clobbered registers");
    i->clobber = (uint8_t)l->clobbers.len;
    vec_push(l->tmp, &l->clobbers, clobber);
}

void jit_lower_move(lower *l, vr to, vr from, unsigned bytes, unsigned cls)
{
    unsigned width = bytes <= 4 ? 4 : bytes;

    (void)cls;
    jit_lower_emit(l, MI_MOVE, width);
    jit_lower_define(l, to, RA_REG, 0, width,
                     from.nonzero < width ? from.nonzero : width == 4 ? 4 : 16);
    jit_lower_use(l, from, RA_REG, 0, width);
    jit_lower_flags(l, RA_MOVE, 0);
}

uint32_t jit_lower_add_const(lower *l, const void *bytes, unsigned size, unsigned align)
{
    vcode_const c = { { 0 }, (uint8_t)size, (uint8_t)align, 0 };

    JIT_REQUIRE(l->fail, size <= 16, "constant larger than 16 bytes");
    memcpy(c.bytes, bytes, size);
    uint32_t n = l->consts.len < 16 ? l->consts.len : 16; /* look at the newest only */
    for (uint32_t k = 1; k <= n; k++) {
        const vcode_const *o = &l->consts.at[l->consts.len - k];
        if (o->size == size && o->align >= align && memcmp(o->bytes, c.bytes, size) == 0)
            return l->consts.len - k;
    }
    vec_push(l->tmp, &l->consts, c);
    return l->consts.len - 1;
}

static uint32_t symbol(lower *l, uint32_t *cache, const ir_name *name)
{
    if (!*cache) {
        vec_push(l->tmp, &l->symbols, *name);
        *cache = l->symbols.len;
    }
    return *cache - 1;
}

uint32_t jit_lower_callee(lower *l, jit_fnref fn)
{
    uint32_t k = jit_fnref_index(fn);
    return symbol(l, &l->callee_symbol[k], &l->f->callees.at[k].name);
}

uint32_t jit_lower_gv_symbol(lower *l, jit_gv gv)
{
    uint32_t k = jit_gv_index(gv);
    return symbol(l, &l->gv_symbol[k], &l->f->gvs.at[k].name);
}

uint32_t jit_lower_libcall_symbol(lower *l, unsigned libcall)
{
    ir_name name = { NAME_LIBCALL, 0, libcall, NULL };
    return symbol(l, &l->libcall_symbol[libcall], &name);
}

uint32_t jit_lower_jump_table(lower *l, const uint32_t *blocks, uint32_t n)
{
    vcode_jump_table t = { ARENA_ARRAY_RAW(l->tmp, uint32_t, n), n };

    if (n)
        memcpy(t.blocks, blocks, n * sizeof *blocks);
    vec_push(l->tmp, &l->jump_tables, t);
    return l->jump_tables.len - 1;
}

_Noreturn void jit_lower_unsupported(lower *l, const ir_inst *i, const char *what)
{
    char type[16];

    jit_fail(l->fail, JIT_ERR_UNSUPPORTED, "%s%s%s: %s on %s", op_of(i)->name, i->type ? "." : "",
             i->type ? jit_type_name(i->type, type) : "", what, l->target->name);
}
