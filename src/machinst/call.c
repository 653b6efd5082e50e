/* call.c - the half of calls, returns and entries that all machines share: where values go. */
#include "machinst/mfunc.h"

const abi_sig *jit_lower_sig(lower *l, jit_sigref s)
{
    abi_sig **a = &l->sig_abi[jit_sigref_index(s)];

    if (!*a) {
        *a = ARENA_NEW(l->tmp, abi_sig);
        jit_abi_assign(l->target->abi, &l->f->sigs.at[jit_sigref_index(s)], *a, l->tmp, l->fail);
    }
    return *a;
}

static unsigned value_width(jit_type t)
{
    unsigned n = jit_type_bytes(t);
    return n < 4 ? 4 : n;
}

/* The value as the convention wants it: extended by whoever produces it. */
static vr extended(lower *l, const abi_loc *loc, vr v)
{
    if (!loc->ext || jit_type_bytes(loc->type) >= 8)
        return v;
    vr wide = jit_lower_temp(l, RC_INT, 8);
    l->target->extend(l, wide, v, loc->type, loc->ext);
    return wide;
}

static jit_type stored_type(const abi_loc *loc)
{
    return loc->ext ? JIT_I64 : loc->type;
}

/* Copies a struct passed by value to the argument area, eight bytes at a time. */
static void copy_struct(lower *l, const abi_loc *loc, vr from)
{
    if (loc->bytes > 1024)
        jit_fail(l->fail, JIT_ERR_UNSUPPORTED, "sarg of %u bytes, at most 1024", loc->bytes);
    for (uint32_t k = 0; k < loc->bytes; k += 8) {
        vr t = jit_lower_temp(l, RC_INT, 8);
        l->target->load(l, t, JIT_I64, MEM_BASE, from, (int32_t)k, 0, 0);
        l->target->store(l, t, JIT_I64, MEM_OUT, VR_NONE, (int32_t)(loc->offset + k));
    }
}

typedef struct reg_arg { vr v; uint8_t reg, width; } reg_arg;

/* Puts one argument where the callee looks for it; those in registers are noted for the call. */
static void place_arg(lower *l, const abi_loc *loc, vr v, reg_arg *regs, uint32_t *nregs)
{
    if (loc->kind == ABI_STRUCT) {
        copy_struct(l, loc, v);
        return;
    }
    v = extended(l, loc, v);
    if (loc->kind == ABI_STACK) {
        l->target->store(l, v, stored_type(loc), MEM_OUT, VR_NONE, (int32_t)loc->offset);
    } else {
        reg_arg r = { v, loc->reg, (uint8_t)value_width(stored_type(loc)) };
        regs[(*nregs)++] = r;
    }
}

static void grow_frame(lower *l, const abi_sig *a)
{
    uint32_t bytes = a->arg_bytes + a->ret_bytes; /* the return area stands behind the arguments */

    l->frame->leaf = false;
    if (bytes > l->frame->out_bytes)
        l->frame->out_bytes = bytes;
}

typedef struct callee { vr address; uint32_t symbol; bool near; } callee;

/* args: value ids; i: the instruction whose results these are. */
static void make_call(lower *l, const ir_inst *i, const abi_sig *a, callee to, const uint32_t *args,
                      uint32_t nresults)
{
    reg_arg regs[64];
    uint32_t nregs = 0;

    grow_frame(l, a);
    l->in_place = true; /* a constant that goes to the stack is made right before its store */
    for (uint32_t k = 0; k < a->nargs && a->arg_bytes; k++) /* stores first, they need registers */
        if (a->args[k].kind != ABI_REG)
            place_arg(l, &a->args[k], jit_lower_in(l, args[k]), regs, &nregs);
    l->in_place = false;
    for (uint32_t k = 0; k < a->nargs; k++)
        if (a->args[k].kind == ABI_REG)
            place_arg(l, &a->args[k], jit_lower_in(l, args[k]), regs, &nregs);
    if (a->ret_bytes) {
        vr area = jit_lower_temp(l, RC_INT, 8);
        l->target->address(l, area, MEM_OUT, 0, (int32_t)a->arg_bytes);
        place_arg(l, &a->ret_pointer, area, regs, &nregs);
    }
    l->target->call(l, to.address, to.symbol, to.near, a->callee_pops);
    for (uint32_t k = 0; k < nregs; k++)
        jit_lower_use(l, regs[k].v, RA_FIXED, regs[k].reg, regs[k].width);
    for (uint32_t k = 0; k < nresults; k++)
        if (a->rets[k].kind == ABI_REG && jit_lower_result_used(l, i, k))
            jit_lower_define(l, jit_lower_out(l, i, k), RA_FIXED, a->rets[k].reg,
                             value_width(a->rets[k].type), 16);
    jit_lower_flags(l, RA_CALL, a->clobbers);
    for (uint32_t k = 0; k < nresults; k++)
        if (a->rets[k].kind != ABI_REG && jit_lower_result_used(l, i, k))
            l->target->load(l, jit_lower_out(l, i, k), a->rets[k].type, MEM_OUT, VR_NONE,
                            (int32_t)(a->arg_bytes + a->rets[k].offset), 0, 0);
}

void jit_lower_call(lower *l, const ir_inst *i)
{
    ir_args args = inst_args(l->f, i);
    callee to = { VR_NONE, 0, false };
    jit_sigref sig;

    if (i->op == JIT_OP_call) {
        jit_fnref fn = { i->b };
        const ir_callee *c = &l->f->callees.at[jit_fnref_index(fn)];
        sig = c->sig;
        to.symbol = jit_lower_callee(l, fn);
        to.near = c->colocated;
    } else {
        sig.id = i->b;
        to.address = jit_lower_in(l, args.at[0]);
        args.at++;
    }
    const abi_sig *a = jit_lower_sig(l, sig);
    make_call(l, i, a, to, args.at, a->nrets);
}

/* ---- Libcalls ---- */

void jit_lower_libcall(lower *l, const ir_inst *i, unsigned libcall, const uint32_t *args,
                       uint32_t nargs)
{
    callee to = { VR_NONE, jit_lower_libcall_symbol(l, libcall), false };
    jit_abi_param params[4], result = value_type(l->f, i->c);
    ir_sig sig = { .conv = JIT_CONV_SYSTEM_V, .nparams = nargs, .nresults = 1, .params = params,
                   .results = &result };
    abi_sig a;

    JIT_REQUIRE(l->fail, nargs <= 4, "libcall with more than four arguments");
    for (uint32_t k = 0; k < nargs; k++)
        params[k] = lower_type(l, args[k]);
    jit_abi_assign(l->target->abi, &sig, &a, l->tmp, l->fail);
    make_call(l, i, &a, to, args, 1);
}

/* ---- Returns ---- */

void jit_lower_return(lower *l, const ir_inst *i)
{
    const abi_sig *a = l->abi;
    ir_args args = inst_args(l->f, i);
    reg_arg regs[64];
    uint32_t nregs = 0;

    for (uint32_t k = 0; k < args.len; k++) {
        const abi_loc *loc = &a->rets[k];
        vr v = extended(l, loc, jit_lower_in(l, args.at[k]));
        if (loc->kind == ABI_REG) {
            reg_arg r = { v, loc->reg, (uint8_t)value_width(stored_type(loc)) };
            regs[nregs++] = r;
        } else {
            l->target->store(l, v, stored_type(loc), MEM_BASE, l->ret_area, (int32_t)loc->offset);
        }
    }
    if (a->sret_reg != 0xff)
        for (uint32_t k = 0; k < l->f->sig.nparams; k++)
            if (JIT_PARAM_PURPOSE(l->f->sig.params[k]) == JIT_SRET) {
                const ir_block *entry = &l->f->blocks.at[l->f->layout.at[0]];
                reg_arg r = { jit_lower_in(l, l->f->pool.at[entry->params + k]), a->sret_reg, 8 };
                regs[nregs++] = r;
            }
    jit_lower_emit(l, MI_RETURN, 0);
    for (uint32_t k = 0; k < nregs; k++)
        jit_lower_use(l, regs[k].v, RA_FIXED, regs[k].reg, regs[k].width);
    jit_lower_flags(l, RA_TERM, 0);
}

/* ---- Entry ---- */

void jit_mach_lower_entry(mfunc *m)
{
    lower *l = &m->l;
    const abi_sig *a = l->abi;
    const ir_block *entry = l->block;

    jit_lower_emit(l, MI_ARGS, 0);
    for (uint32_t k = 0; k < a->nargs; k++) {
        uint32_t v = l->f->pool.at[entry->params + k];
        bool read = lower_is_read(l, v);
        if (!read || a->args[k].kind != ABI_REG)
            continue;
        vr r = jit_lower_in(l, v);
        jit_lower_define(l, r, RA_FIXED, a->args[k].reg, value_width(a->args[k].type), 16);
    }
    if (l->ret_area.id != RA_NO_VREG && a->ret_pointer.kind == ABI_REG)
        jit_lower_define(l, l->ret_area, RA_FIXED, a->ret_pointer.reg, 8, 16);
    for (uint32_t k = 0; k < a->nargs; k++) {
        uint32_t v = l->f->pool.at[entry->params + k];
        bool read = lower_is_read(l, v);
        const abi_loc *loc = &a->args[k];
        if (!read || loc->kind == ABI_REG)
            continue;
        vr r = jit_lower_in(l, v);
        if (loc->kind == ABI_STRUCT)
            l->target->address(l, r, MEM_IN, 0, (int32_t)loc->offset);
        else
            l->target->load(l, r, loc->type, MEM_IN, VR_NONE, (int32_t)loc->offset, 0, 0);
    }
    if (l->ret_area.id != RA_NO_VREG && a->ret_pointer.kind != ABI_REG)
        l->target->load(l, l->ret_area, JIT_I64, MEM_IN, VR_NONE, (int32_t)a->ret_pointer.offset, 0,
                        0);
}
