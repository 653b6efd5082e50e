/* a64_abi.c - where values travel in calls on AArch64, and which registers an allocator may use.
 *
 * system_v: AAPCS64, 6.8 "Parameter passing" and 6.9 "Result return", for scalars; an sret parameter is
 * the indirect result location x8 and takes no other register. Of v8 to v15 a call preserves the low
 * eight bytes, which is all that scalars have. fast is the same. tail: arguments as in system_v; the
 * callee removes those on the stack; no register is preserved but x29, by which some functions find their
 * frame. Eight results of each class travel in registers; those that find none go to a hidden area whose
 * address is an extra last argument. */
#include "backends/aarch64/a64.h"
#include "ir/text_names.h"
#include <string.h>

enum { ARG_REGS = 8, RESULT_REGS = 8 }; /* of each class: x0 and on, v0 and on */

#define INTS(first, last) (((REG_BIT(last) << 1) - 1) & ~(REG_BIT(first) - 1))
#define FLOATS(first, last) (INTS(first, last) << 32)
#define ALL_INTS (INTS(A64_X0, A64_X17) | INTS(A64_X19, A64_X28))
#define ALL_FLOATS FLOATS(0, 31)
#define SAVED (INTS(A64_X19, A64_X28) | REG_BIT(A64_FP) | FLOATS(8, 15))
#define PINNED A64_X21

typedef struct assigner {
    unsigned ints, floats, max; /* taken so far, and that there are of each */
    uint32_t stack;             /* bytes */
} assigner;

static void check_type(jit_type t, fail_ctx *fail)
{
    char name[16];

    if ((jit_type_is_int(t) && t != JIT_I128) || t == JIT_F32 || t == JIT_F64)
        return;
    jit_fail(fail, JIT_ERR_UNSUPPORTED, "a parameter or result of type %s on aarch64",
             jit_type_name(t, name));
}

static abi_loc assign(assigner *a, jit_abi_param p, fail_ctx *fail)
{
    abi_loc loc = { .type = JIT_PARAM_TYPE(p), .bytes = 8 };

    check_type(loc.type, fail);
    loc.ext = p & JIT_UEXT ? 1 : p & JIT_SEXT ? 2 : 0;
    if (JIT_PARAM_PURPOSE(p) == JIT_PARAM_PURPOSE(JIT_SARG(0))) {
        loc.kind = ABI_STRUCT;
        loc.bytes = (JIT_PARAM_SARG_BYTES(p) + 7) & ~7u;
    } else if (jit_type_is_int(loc.type) && a->ints < a->max) {
        loc.kind = ABI_REG;
        loc.reg = (uint8_t)(A64_X0 + a->ints++);
        return loc;
    } else if (!jit_type_is_int(loc.type) && a->floats < a->max) {
        loc.kind = ABI_REG;
        loc.reg = A64_V(a->floats++);
        return loc;
    } else {
        loc.kind = ABI_STACK;
    }
    loc.offset = a->stack;
    a->stack += loc.bytes;
    if (a->stack > 1 << 24)
        jit_fail(fail, JIT_ERR_LIMIT, "more than 16 MiB of arguments");
    return loc;
}

static void assign_params(const ir_sig *sig, abi_sig *a, assigner *args, fail_ctx *fail)
{
    bool sret = false;

    for (uint32_t k = 0; k < sig->nparams; k++) {
        jit_abi_param p = sig->params[k];
        if (JIT_PARAM_PURPOSE(p) == JIT_SRET && !sret) {
            abi_loc loc = { .kind = ABI_REG, .reg = A64_X8, .type = JIT_PARAM_TYPE(p), .bytes = 8 };
            check_type(loc.type, fail);
            a->args[k] = loc;
            sret = true;
        } else {
            a->args[k] = assign(args, p, fail);
        }
    }
}

static uint32_t align16(uint32_t n)
{
    return (n + 15) & ~15u;
}

void jit_a64_abi(const ir_sig *sig, abi_sig *a, arena *tmp, fail_ctx *fail)
{
    bool tail = sig->conv == JIT_CONV_TAIL;
    assigner args = { 0, 0, ARG_REGS, 0 }, rets = { 0, 0, RESULT_REGS, 0 };

    if (sig->conv > JIT_CONV_TAIL)
        jit_fail(fail, JIT_ERR_UNSUPPORTED, "calling convention %s on aarch64", jit_conv_name(sig->conv));
    memset(a, 0, sizeof *a);
    a->nargs = sig->nparams;
    a->nrets = sig->nresults;
    a->args = ARENA_ARRAY(tmp, abi_loc, sig->nparams);
    a->rets = ARENA_ARRAY(tmp, abi_loc, sig->nresults);
    a->sret_reg = 0xff;
    assign_params(sig, a, &args, fail);
    for (uint32_t k = 0; k < sig->nresults; k++)
        a->rets[k] = assign(&rets, sig->results[k], fail);
    a->ret_bytes = align16(rets.stack);
    if (a->ret_bytes)
        a->ret_pointer = assign(&args, JIT_I64, fail);
    a->arg_bytes = align16(args.stack);
    a->callee_pops = tail ? a->arg_bytes : 0;
    a->callee_saved = tail ? REG_BIT(A64_FP) : SAVED;
    a->clobbers = (ALL_INTS | ALL_FLOATS) & ~a->callee_saved;
}

/* Registers of a class in order of preference: those that a call destroys first. */
static void list_order(uint8_t *order, regset may, regset callee_saved)
{
    unsigned n = 0;

    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned r = 0; r < 64; r++)
            if (may & REG_BIT(r) && ((callee_saved >> r & 1) == pass))
                order[n++] = (uint8_t)r;
}

void jit_a64_env(ra_env *env, const abi_sig *abi, bool fp, bool fast, bool pinned)
{
    regset ints = INTS(A64_X0, A64_X15) | INTS(A64_X19, A64_X28);
    regset may = ints | (ALL_FLOATS & ~REG_BIT(A64_SCRATCH));

    (void)fp; /* x29 is never assigned */
    if (pinned)
        may &= ~REG_BIT(PINNED);
    if (fast) /* its returns are emitted before one could know what to restore */
        may &= ~abi->callee_saved;
    memset(env, 0, sizeof *env);
    memset(env->order, 0xff, sizeof env->order);
    env->allocatable = may;
    env->callee_saved = abi->callee_saved & may;
    env->scratch = A64_SCRATCH;
    list_order(env->order[RC_INT], may & ints, abi->callee_saved);
    list_order(env->order[RC_FLOAT], may & ALL_FLOATS, abi->callee_saved);
}
