/* abi.c - where the values of a signature travel, and which registers an allocator may use, by what
 * a machine's conventions say.
 *
 * Arguments and results take the registers of their class in order; what finds none goes to the
 * stack, eight bytes each, or packed where the convention has it so. Results that find no register
 * go to a hidden area whose address is an extra last argument. */
#include "machinst/abi.h"
#include "gantry/jit.h"
#include "ir/text_names.h"
#include <string.h>

typedef struct assigner {
    const abi_rules *rules;
    const abi_regs *regs;
    unsigned ints, floats; /* taken so far */
    uint32_t stack;        /* bytes */
    bool packed;           /* values on the stack take their own size, and are aligned to it */
    fail_ctx *fail;
} assigner;

static bool is_int_value(const assigner *a, jit_type t)
{
    char name[16];

    if (jit_type_is_int(t) && t != JIT_I128)
        return true;
    if (t == JIT_F32 || t == JIT_F64)
        return false;
    jit_fail(a->fail, JIT_ERR_UNSUPPORTED, "a parameter or result of type %s on %s",
             jit_type_name(t, name), a->rules->machine);
}

static abi_loc assign(assigner *a, jit_abi_param p)
{
    abi_loc loc = { .type = JIT_PARAM_TYPE(p), .bytes = 8 };
    bool is_int = is_int_value(a, loc.type);

    loc.ext = p & JIT_UEXT ? 1 : p & JIT_SEXT ? 2 : 0;
    if (JIT_PARAM_PURPOSE(p) == JIT_PARAM_PURPOSE(JIT_SARG(0))) {
        loc.kind = ABI_STRUCT;
        loc.bytes = (JIT_PARAM_SARG_BYTES(p) + 7) & ~7u;
    } else if (is_int && a->ints < a->regs->nints) {
        loc.kind = ABI_REG;
        loc.reg = a->regs->ints[a->ints++];
        return loc;
    } else if (!is_int && a->floats < a->regs->nfloats) {
        loc.kind = ABI_REG;
        loc.reg = RA_FLOAT(a->floats++);
        return loc;
    } else {
        loc.kind = ABI_STACK;
    }
    if (a->packed && loc.kind == ABI_STACK) {
        loc.bytes = jit_type_bytes(loc.type);
        loc.ext = 0;
    }
    uint32_t align = loc.bytes < 8 ? loc.bytes : 8;
    loc.offset = (a->stack + align - 1) & ~(align - 1);
    a->stack = loc.offset + loc.bytes;
    if (a->stack > 1 << 24)
        jit_fail(a->fail, JIT_ERR_LIMIT, "more than 16 MiB of arguments");
    return loc;
}

static void assign_params(const ir_sig *sig, abi_sig *a, assigner *args)
{
    const abi_rules *rules = args->rules;
    bool seen = false;

    for (uint32_t k = 0; k < sig->nparams; k++) {
        jit_abi_param p = sig->params[k];
        bool sret = JIT_PARAM_PURPOSE(p) == JIT_SRET;
        if (sret && rules->sret_arg != ABI_NO_REG && !seen) {
            abi_loc loc = { .kind = ABI_REG, .reg = rules->sret_arg, .bytes = 8 };
            loc.type = JIT_PARAM_TYPE(p);
            is_int_value(args, loc.type);
            a->args[k] = loc;
        } else {
            a->args[k] = assign(args, p);
        }
        if (sret && sig->nresults == 0)
            a->sret_reg = rules->sret_ret;
        seen |= sret;
    }
}

static uint32_t align16(uint32_t n)
{
    return (n + 15) & ~15u;
}

void jit_abi_assign(const abi_rules *rules, const ir_sig *sig, abi_sig *a, arena *tmp,
                    fail_ctx *fail)
{
    bool tail = sig->conv == JIT_CONV_TAIL;
    bool apple = sig->conv == JIT_CONV_APPLE_AARCH64 && rules->has_apple;
    assigner args = { rules, &rules->args, 0, 0, 0, apple, fail };
    assigner rets = { rules, tail ? &rules->tail_rets : &rules->rets, 0, 0, 0, false, fail };

    if (sig->conv > JIT_CONV_TAIL && !apple)
        jit_fail(fail, JIT_ERR_UNSUPPORTED, "calling convention %s on %s", jit_conv_name(sig->conv),
                 rules->machine);
    memset(a, 0, sizeof *a);
    a->nargs = sig->nparams;
    a->nrets = sig->nresults;
    a->args = ARENA_ARRAY_RAW(tmp, abi_loc, (size_t)sig->nparams + sig->nresults);
    a->rets = a->args + sig->nparams;
    a->sret_reg = ABI_NO_REG;
    assign_params(sig, a, &args);
    for (uint32_t k = 0; k < sig->nresults; k++)
        a->rets[k] = assign(&rets, sig->results[k]);
    a->ret_bytes = align16(rets.stack);
    if (a->ret_bytes)
        a->ret_pointer = assign(&args, JIT_I64);
    a->arg_bytes = align16(args.stack);
    a->callee_pops = tail ? a->arg_bytes : 0;
    a->callee_saved = tail ? rules->tail_saved : rules->saved;
    a->clobbers = rules->all & ~a->callee_saved;
}

/* Those that a call of the common convention destroys come first. */
static void list_order(uint8_t *order, regset may, regset saved)
{
    unsigned n = 0;

    for (regset s = may & ~saved; s; s &= s - 1)
        order[n++] = (uint8_t)__builtin_ctzll(s);
    for (regset s = may & saved; s; s &= s - 1)
        order[n++] = (uint8_t)__builtin_ctzll(s);
}

void jit_abi_env(const abi_rules *rules, ra_env *env, const abi_sig *abi, bool fp, bool fast,
                 bool pinned)
{
    regset may = rules->assignable;

    if (fp)
        may &= ~rules->frame_pointer;
    if (pinned)
        may &= ~rules->pinned;
    if (fast) /* its returns are emitted before one could know what to restore */
        may &= ~abi->callee_saved;
    memset(env, 0, sizeof *env);
    memset(env->order, 0xff, sizeof env->order);
    env->allocatable = may;
    env->callee_saved = abi->callee_saved & may;
    env->scratch = rules->scratch;
    env->int_scratch = rules->int_scratch;
    list_order(env->order[RC_INT], may & UINT32_MAX, rules->saved);
    list_order(env->order[RC_FLOAT], may & ~(regset)UINT32_MAX, rules->saved);
}
