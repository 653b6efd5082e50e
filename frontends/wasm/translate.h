/* translate.h - the translator from WebAssembly to IR: its state, shared by translate*.c.
 *
 * One pass over a body, straight into the builder. Locals are the builder's variables. The operand
 * stack holds SSA values and comparisons that are not made yet: whoever uses one decides whether it
 * becomes a branch's condition or an i32, and `eqz` inverts it for nothing. A label's block is made
 * by the first branch to it; a block that nobody branches to costs nothing. The arrays are sized by
 * what the validator has found out of a body, so pushes are not checked. */
#ifndef GW_TRANSLATE_H
#define GW_TRANSLATE_H

#include "reader.h"
#include "runtime.h"

/* An operand: a value, or with kind GW_ICMP or GW_FCMP the truth of a comparison of x and y. */
enum { GW_VALUE, GW_ICMP, GW_FCMP };
typedef struct gw_operand {
    jit_value x, y;
    uint8_t kind, cc;
} gw_operand;

typedef enum gw_frame_kind {
    GW_FRAME_BLOCK, GW_FRAME_LOOP, GW_FRAME_IF, GW_FRAME_ELSE
} gw_frame_kind;
typedef struct gw_ctrl {
    gw_frame_kind kind;
    gw_blocktype type;
    jit_block label;     /* where branches to it go; none: nobody has branched yet */
    jit_block otherwise; /* of an `if` without `else` so far */
    uint32_t height;     /* of the operand stack below its parameters */
    uint32_t stamp;      /* of the br_table that made `arm` last */
    jit_block arm;       /* hands on the arguments of a br_table's target */
    bool live;           /* its end is reached by falling through */
} gw_ctrl;

typedef struct gw_translator {
    const gw_code *code;
    const gw_module *m;
    jit_func *f;
    jit_builder *b;
    gw_reader r;
    uint32_t func;        /* index in the module */
    bool positions, explicit_bounds, interruptible;

    gw_operand *stack;    /* grows up; sp: next free */
    uint32_t sp, stack_cap;
    gw_ctrl *ctrl;
    uint32_t depth, ctrl_cap; /* depth: number of open frames; the first is the function's */
    jit_var *locals;
    uint32_t locals_cap;
    jit_value *args;      /* scratch for lists of values */
    uint32_t args_cap;
    jit_block *targets;   /* scratch for br_table */
    uint32_t targets_cap;
    uint32_t stamp;

    jit_value vmctx, base; /* base: of memory 0, guarded */
    jit_region context, memory, globals, tables; /* alias regions */
    jit_sigref *sigs;     /* by canonical type of the module, where the stamp is run */
    uint32_t *sig_stamp;
    jit_fnref *callees;   /* by function of the module, likewise */
    uint32_t *callee_stamp;
    jit_fnref libs[GW_LIB_COUNT];
    uint32_t lib_made;    /* bit by libcall */
    uint32_t run;         /* stamp of this function */
} gw_translator;

gw_translator *gw_translator_new(const gw_code *code);
void gw_translator_free(gw_translator *t);
/* The IR of an own function; NULL: no memory. An error of the builder is the function's. */
void gw_function_name(const gw_code *code, uint32_t index, char name[32]);
jit_func *gw_translate(gw_translator *t, uint32_t func);

/* ---- the operand stack ---- */

jit_value gw_make_value(gw_translator *t, gw_operand *o); /* of a comparison: as i32 */

static inline void gw_push(gw_translator *t, jit_value v)
{
    gw_operand *o = &t->stack[t->sp++];
    o->x = v;
    o->kind = GW_VALUE;
}

static inline jit_value gw_pop(gw_translator *t)
{
    gw_operand *o = &t->stack[--t->sp];
    return __builtin_expect(o->kind == GW_VALUE, 1) ? o->x : gw_make_value(t, o);
}

/* Values of the n topmost operands in args, the first of them lowest; they stay on the stack. */
const jit_value *gw_top(gw_translator *t, uint32_t n, jit_value *args);
/* A scalar that is zero exactly where the operand is. */
jit_value gw_pop_condition(gw_translator *t);

/* What follows may trap or call, so that its place has to be known. */
static inline void gw_here(gw_translator *t, const uint8_t *at)
{
    if (t->positions)
        jit_source_position(t->b, (uint32_t)(at - t->m->bytes.at));
}
static inline void gw_no_place(gw_translator *t)
{
    if (t->positions)
        jit_source_position(t->b, ~0u);
}

/* ---- translate_ops.c ---- */
/* False: none of its instructions. */
bool gw_translate_number(gw_translator *t, gw_op op, const uint8_t *at);
/* ---- translate_memory.c ---- */
bool gw_translate_access(gw_translator *t, gw_op op, const uint8_t *at);
jit_value gw_context_load(gw_translator *t, uint32_t offset); /* a pointer that never changes */

#endif
