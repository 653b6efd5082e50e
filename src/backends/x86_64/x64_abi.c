/* x64_abi.c - where values travel in calls on x86-64, and which registers an allocator may use.
 *
 * system_v: System V ABI, AMD64 supplement, 3.2.3 "Parameter Passing", for scalars. fast is the
 * same. tail: arguments as in system_v; the callee removes those on the stack; eight results of
 * each class in registers; no register is preserved but rbp, by which some functions find their
 * frame. Results that find no register go to a hidden area whose address is an extra last
 * argument. */
#include "backends/x86_64/x64.h"
#include "ir/text_names.h"
#include <string.h>

static const uint8_t arg_ints[] = { X64_RDI, X64_RSI, X64_RDX, X64_RCX, X64_R8, X64_R9 };
static const uint8_t ret_ints[] = { X64_RAX, X64_RDX, X64_RCX, X64_RSI, X64_RDI, X64_R8, X64_R9, X64_R10 };

#define ALL_INTS ((regset)0xffff & ~REG_BIT(X64_RSP))
#define ALL_FLOATS ((regset)0xffff << 32)
#define SAVED (REG_BIT(X64_RBX) | REG_BIT(X64_RBP) | REG_BIT(X64_R12) | REG_BIT(X64_R13) \
               | REG_BIT(X64_R14) | REG_BIT(X64_R15))

typedef struct assigner {
    unsigned ints, floats;         /* taken so far */
    unsigned max_ints, max_floats; /* that there are */
    uint32_t stack;                /* bytes */
    const uint8_t *int_regs;
} assigner;

static void check_type(jit_type t, fail_ctx *fail)
{
    char name[16];

    if ((jit_type_is_int(t) && t != JIT_I128) || t == JIT_F32 || t == JIT_F64)
        return;
    jit_fail(fail, JIT_ERR_UNSUPPORTED, "a parameter or result of type %s on x86_64",
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
    } else if (jit_type_is_int(loc.type) && a->ints < a->max_ints) {
        loc.kind = ABI_REG;
        loc.reg = a->int_regs[a->ints++];
        return loc;
    } else if (!jit_type_is_int(loc.type) && a->floats < a->max_floats) {
        loc.kind = ABI_REG;
        loc.reg = X64_XMM(a->floats++);
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

static uint32_t align16(uint32_t n)
{
    return (n + 15) & ~15u;
}

void jit_x64_abi(const ir_sig *sig, abi_sig *a, arena *tmp, fail_ctx *fail)
{
    bool tail = sig->conv == JIT_CONV_TAIL;
    assigner args = { 0, 0, 6, 8, 0, arg_ints };
    assigner rets = { 0, 0, tail ? 8 : 2, tail ? 8 : 2, 0, ret_ints };

    if (sig->conv > JIT_CONV_TAIL)
        jit_fail(fail, JIT_ERR_UNSUPPORTED, "calling convention %s on x86_64", jit_conv_name(sig->conv));
    memset(a, 0, sizeof *a);
    a->nargs = sig->nparams;
    a->nrets = sig->nresults;
    a->args = ARENA_ARRAY(tmp, abi_loc, sig->nparams);
    a->rets = ARENA_ARRAY(tmp, abi_loc, sig->nresults);
    a->sret_reg = 0xff;
    for (uint32_t k = 0; k < sig->nparams; k++) {
        a->args[k] = assign(&args, sig->params[k], fail);
        if (JIT_PARAM_PURPOSE(sig->params[k]) == JIT_SRET && sig->nresults == 0)
            a->sret_reg = X64_RAX;
    }
    for (uint32_t k = 0; k < sig->nresults; k++)
        a->rets[k] = assign(&rets, sig->results[k], fail);
    a->ret_bytes = align16(rets.stack);
    if (a->ret_bytes)
        a->ret_pointer = assign(&args, JIT_I64, fail);
    a->arg_bytes = align16(args.stack);
    a->callee_pops = tail ? a->arg_bytes : 0;
    a->nvector_args = (uint8_t)args.floats;
    a->callee_saved = tail ? REG_BIT(X64_RBP) : SAVED;
    a->clobbers = (ALL_INTS | ALL_FLOATS) & ~a->callee_saved;
}

void jit_x64_env(ra_env *env, const abi_sig *abi, bool fp, bool fast, bool pinned)
{
    static const uint8_t order[] = { X64_RAX, X64_RCX, X64_RDX, X64_RSI, X64_RDI, X64_R8, X64_R9, X64_R10,
                                     X64_R11, X64_RBX, X64_RBP, X64_R12, X64_R13, X64_R14, X64_R15 };
    regset may = (ALL_INTS | ALL_FLOATS) & ~REG_BIT(X64_SCRATCH);
    unsigned n = 0;

    if (fp)
        may &= ~REG_BIT(X64_RBP);
    if (pinned)
        may &= ~REG_BIT(X64_R15);
    if (fast) /* its returns are emitted before one could know what to restore */
        may &= ~abi->callee_saved;
    memset(env, 0, sizeof *env);
    memset(env->order, 0xff, sizeof env->order);
    env->allocatable = may;
    env->callee_saved = abi->callee_saved & may;
    env->scratch = X64_SCRATCH;
    for (unsigned k = 0; k < sizeof order; k++)
        if (may & REG_BIT(order[k]))
            env->order[RC_INT][n++] = order[k];
    for (unsigned k = 0; k < 15; k++)
        env->order[RC_FLOAT][k] = X64_XMM(k);
}
