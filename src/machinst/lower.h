/* lower.h - the state of lowering and what a target's rules may ask and say.
 *
 * Blocks are lowered bottom up, one call of a rule per IR instruction that is needed. A rule
 * first matches (is_const, fuses, ...: these emit nothing), then takes its inputs with lower_in*()
 * and says its instructions in forward order; the driver turns the order of instructions round. A
 * value nobody asked for is never lowered unless it has an effect.
 *
 * Values are seen through no-ops: root(v) skips ireduce, integer bitcasts of equal type, uextend of
 * something whose upper bits the target's table promises to be zero, and parameters of blocks with
 * one predecessor. All queries below take any value and look at its root. */
#ifndef JIT_LOWER_H
#define JIT_LOWER_H

#include "gantry/jit.h"
#include "machinst/abi.h"
#include "machinst/vcode.h"

struct target;

enum { /* lower_value.info */
    USES_ONE = 1, USES_MANY = 2, /* uses through all no-ops together: the second one adds MANY */
    USES_CROSS = 4,              /* used in another block than its own */
    USES_WIDE = 8,               /* read as 8 bytes by an alias although it is narrower */
    USES_MADE = 16               /* a constant or the address of a slot: made where it is read */
};

/* What lowering knows of a value. */
typedef struct lower_value {
    uint32_t root;   /* id of its root (itself mostly) */
    uint32_t vreg;   /* of roots: vreg + 1; 0: not asked for yet */
    uint32_t def;    /* a result's instruction; a parameter's block | LOWER_PARAM */
    uint8_t info;    /* of roots: USES_* */
    uint8_t nonzero; /* bytes that may be non-zero above its own width; 16: unknown. Of an alias
                      * made by uextend: what its reader relies on */
    uint8_t width;   /* bytes that moves of its type keep */
    uint8_t cls;     /* RC_* */
} lower_value;

#define LOWER_PARAM 0x80000000u
enum { /* lower.facts, by IR instruction */
    INST_SUNK = 1,    /* folded into a user, do not lower */
    INST_NO_CODE = 2, /* an alias, or made where it is read */
    INST_STAYS = 4    /* although nobody reads it */
};

/* A machine instruction, and what the allocator sees of it. */
typedef struct said_inst { minst m; ra_inst ra; } said_inst;

typedef struct lower {
    /* set up by the driver */
    const jit_func *f;
    const struct target *target;
    const jit_settings *settings;
    uint64_t features;
    arena *tmp;
    fail_ctx *fail;
    bool fast;               /* O0: block by block; nothing but local selection */
    frame *frame;
    const abi_sig *abi;      /* of f */
    abi_sig **sig_abi;       /* by sigref index; NULL: not computed yet */

    lower_value *values;     /* by value id */
    bool has_wide;           /* some value is not a scalar integer of up to 64 bits, f32 or f64 */

    /* virtual registers */
    VEC(ra_vreg) vregs;

    /* the block being lowered */
    const ir_block *block;
    uint32_t at;             /* index of the IR instruction being lowered */
    uint32_t *effects;       /* by IR instruction: of two in a block, equal when no effect is
                              * between */
    uint8_t *facts;          /* by IR instruction: INST_* */
    uint32_t *folded_into;   /* by instruction: index + 1 of that into which it went, FOLDS; NULL:
                              * not kept */

    /* code; filled from the end of the arrays downwards */
    minst *insts;
    ra_inst *ra;
    uint32_t ninsts, cap;    /* instruction k from the end is at cap - 1 - k */
    VEC(ra_operand) ops;
    VEC(said_inst) group;    /* of the current IR instruction, forward */
    bool in_place;           /* constants go where they are asked for, not before the group */
    VEC(said_inst) prefix;   /* constants and addresses it needs, before the group */

    VEC(vcode_const) consts;
    VEC(vcode_jump_table) jump_tables;
    VEC(regset) clobbers;    /* index 0: none */
    VEC(ir_name) symbols;    /* what MEM_SYM and relocations refer to */
    uint32_t *callee_symbol, *gv_symbol; /* by fnref, gv index: symbol + 1; 0: none yet */
    uint32_t libcall_symbol[LIBCALL_COUNT];
    uint32_t *target_block;  /* mblock of each target of the current terminator, in order */
    bool uses_fp;            /* get_frame_pointer or get_return_address seen */
    vr ret_area;             /* holds the address of the hidden return area; VR_NONE: there is
                              * none */
} lower;

#define LOWER_FOLDS 0x80000000u /* in lower.folded_into: something was folded into it */

/* ---- Matching ---- */
static inline lower_value *lower_val(const lower *l, uint32_t v) { return &l->values[v]; }
static inline uint32_t lower_root(const lower *l, uint32_t v) { return lower_val(l, v)->root; }
static inline bool lower_used_once(const lower *l, uint32_t root)
{
    return (lower_val(l, root)->info & ~(USES_WIDE | USES_MADE)) == USES_ONE;
}
static inline jit_type lower_type(const lower *l, uint32_t v) { return value_type(l->f, v); }
static inline bool lower_is_made(const lower *l, uint32_t v)
{
    return lower_val(l, lower_root(l, v))->info & USES_MADE;
}
/* The instruction that defines v's root, NULL for a block parameter. */
static inline const ir_inst *jit_lower_def(const lower *l, uint32_t v)
{
    uint32_t def = lower_val(l, lower_root(l, v))->def;
    return def & LOWER_PARAM ? NULL : inst_at(l->f, def);
}
/* The instruction of the current block, before the current one, that defines v's root; else
 * NULL. */
static inline const ir_inst *lower_def_here(const lower *l, uint32_t v)
{
    uint32_t def = lower_val(l, lower_root(l, v))->def;
    return def - l->block->first < l->at - l->block->first ? inst_at(l->f, def) : NULL;
}
bool jit_lower_const_bits(const lower *l, uint32_t v, int64_t *bits); /* v's root is made */
/* v is iconst: *bits sign-extended from v's type (v itself may be a truncation of it). */
static inline bool jit_lower_const(const lower *l, uint32_t v, int64_t *bits)
{
    return lower_is_made(l, v) && jit_lower_const_bits(l, v, bits);
}
/* v is f32const or f64const: its bits. */
bool jit_lower_fconst(const lower *l, uint32_t v, uint64_t *bits);
/* v is the very value (no extension or truncation between) of an instruction of this block that may
 * be computed as part of the current one instead: it is used once; a load besides has no effect
 * between it and here. The caller then takes the operands of *def and, by jit_lower_sink(), says
 * so. */
static inline const ir_inst *jit_lower_fuses(const lower *l, uint32_t v);
/* As fuses, but the instruction may define v's root in another width: for rules that mind the
 * types, such as those that only ask whether v is zero. */
const ir_inst *jit_lower_may_fuse(const lower *l, const ir_inst *d);
static inline const ir_inst *jit_lower_fuses_root(const lower *l, uint32_t v)
{
    uint32_t root = lower_root(l, v);
    const ir_inst *d = lower_used_once(l, root) && !lower_val(l, root)->vreg ? lower_def_here(l, v)
                                                                            : NULL;
    return d ? jit_lower_may_fuse(l, d) : NULL;
}
static inline const ir_inst *jit_lower_fuses(const lower *l, uint32_t v)
{
    uint32_t root = lower_root(l, v);
    return root == v || lower_type(l, root) == lower_type(l, v) ? jit_lower_fuses_root(l, v) : NULL;
}
/* As fuses_root, but for pure instructions that are worth repeating (compares): any number of uses,
 * same block. Its operands must be asked for with lower_in again; it may still be lowered on its
 * own. */
const ir_inst *jit_lower_repeats(const lower *l, uint32_t v);
static inline void jit_lower_sink(lower *l, const ir_inst *def)
{
    uint32_t k = (uint32_t)(def - l->f->insts.at);

    l->facts[k] |= INST_SUNK;
    if (l->folded_into) {
        l->folded_into[k] |= l->at + 1;
        l->folded_into[l->at] |= LOWER_FOLDS;
    }
}
/* Bytes of v that may be non-zero when its register is read whole: <= 8, or 16 when unknown. */
unsigned jit_lower_nonzero(const lower *l, uint32_t v);

/* ---- Inputs and outputs ---- */
/* The register of v (any type up to 16 bytes); constants and slot addresses are made for this use.
 * The bits above v's width are arbitrary unless v is an alias made by uextend. */
vr jit_lower_first_in(lower *l, uint32_t v); /* for the inline below: nothing is known yet */
static inline vr jit_lower_in(lower *l, uint32_t v)
{
    const lower_value *x = lower_val(l, v);
    vr r = { x->vreg - 1, 16 };

    return x->vreg && x->root == v ? r : jit_lower_first_in(l, v);
}
vr jit_lower_first_out(lower *l, uint32_t v);
/* The register of the k-th result of the instruction being lowered. */
static inline vr jit_lower_out(lower *l, const ir_inst *i, uint32_t k)
{
    vr r = { lower_val(l, i->c + k)->vreg - 1, 16 };

    return r.id != RA_NO_VREG ? r : jit_lower_first_out(l, i->c + k);
}
/* Whether anybody reads the root value v. */
static inline bool lower_is_read(const lower *l, uint32_t v)
{
    const lower_value *x = lower_val(l, v);
    return x->vreg || (l->fast && x->info & USES_CROSS);
}
/* Whether anybody reads the k-th result. */
static inline bool jit_lower_result_used(const lower *l, const ir_inst *i, uint32_t k)
{
    return lower_is_read(l, i->c + k);
}
/* A new virtual register: class and bytes that moves keep (4, 8, 16). */
static inline vr jit_lower_temp(lower *l, unsigned cls, unsigned width)
{
    ra_vreg v = { (uint8_t)cls, (uint8_t)width, 0, 0xff };
    vr r = { l->vregs.len, 16 };

    vec_push(l->tmp, &l->vregs, v);
    return r;
}

/* ---- Instructions ---- */
/* Starts an instruction: appends it to the group (the pointer lives until the next one). `ir` is
 * set. Then its operands are added in the order its row says. In a constant's prefix: see
 * target->constant. */
static inline minst *jit_lower_emit(lower *l, unsigned op, unsigned size)
{
    vec_reserve(l->tmp, &l->group, 1);
    said_inst *s = &l->group.at[l->group.len++];
    s->m = (minst){ .op = (uint16_t)op, .size = (uint8_t)size, .ir = l->at + 1 };
    s->ra = (ra_inst){ .ops = l->ops.len };
    return &s->m;
}
static inline ra_inst *lower_newest(const lower *l) { return &l->group.at[l->group.len - 1].ra; }
void jit_lower_use(lower *l, vr r, unsigned constraint, unsigned fixed, unsigned width);
void jit_lower_use_late(lower *l, vr r, unsigned width);
void jit_lower_define(lower *l, vr r, unsigned constraint, unsigned fixed, unsigned width,
                      unsigned nonzero);
void jit_lower_define_early(lower *l, vr r, unsigned constraint, unsigned fixed, unsigned width,
                            unsigned nonzero);
void jit_lower_scratch(lower *l, unsigned cls, unsigned constraint, unsigned fixed);
void jit_lower_flags(lower *l, unsigned ra_flags, regset clobber); /* of the newest instruction */
void jit_lower_move(lower *l, vr to, vr from, unsigned bytes, unsigned cls); /* MI_MOVE */
uint32_t jit_lower_add_const(lower *l, const void *bytes, unsigned size, unsigned align);
uint32_t jit_lower_callee(lower *l, jit_fnref fn); /* index into symbols, each callee once */
uint32_t jit_lower_gv_symbol(lower *l, jit_gv gv);
uint32_t jit_lower_libcall_symbol(lower *l, unsigned libcall);
uint32_t jit_lower_jump_table(lower *l, const uint32_t *blocks, uint32_t n);
_Noreturn void jit_lower_unsupported(lower *l, const ir_inst *i, const char *what);

/* The rule of i's opcode (rules.c). */
void jit_lower_op(lower *l, const ir_inst *i);

/* ---- Shared halves (machinst/call.c): use the target's load, store, call hooks ---- */
const abi_sig *jit_lower_sig(lower *l, jit_sigref s);
/* call, call_indirect: arguments to their places, the call instruction, results from theirs. */
void jit_lower_call(lower *l, const ir_inst *i);
/* A call of libcall k with operands and one result (RC by type) on behalf of i. */
void jit_lower_libcall(lower *l, const ir_inst *i, unsigned libcall, const uint32_t *args,
                       uint32_t nargs);
void jit_lower_return(lower *l, const ir_inst *i);

#endif
