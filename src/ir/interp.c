/* interp.c - the reference interpreter: executes a function instruction by instruction.
 *
 * This and numeric.c define what the IR means. Control flow, calls and constants are here; memory
 * and its promises in interp_memory.c; what computes from its operands alone in numeric.c. Calls
 * of interpreted functions push a frame and do not recurse. */
#include "ir/interp.h"

#include "ir/numeric.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Ending a run ---- */

bool jit_interp_end(jit_interp *in, jit_outcome outcome)
{
    in->out.outcome = outcome;
    if (in->frames.len > 0) {
        in->out.func = in->at->code->f;
        in->out.inst = in->at->pc;
    }
    in->over = true;
    return false;
}

bool jit_interp_trap(jit_interp *in, unsigned trap)
{
    in->out.trap = trap;
    return jit_interp_end(in, JIT_TRAPPED);
}

bool jit_interp_breach(jit_interp *in, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(in->message, sizeof in->message, format, list);
    va_end(list);
    in->out.message = in->message;
    return jit_interp_end(in, JIT_BREACH);
}

bool jit_interp_refuse(jit_interp *in, jit_status status, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(in->message, sizeof in->message, format, list);
    va_end(list);
    in->out.message = in->message;
    in->out.status = status;
    return jit_interp_end(in, JIT_REFUSED);
}

static bool refuse_inst(jit_interp *in, const ir_inst *i)
{
    return jit_interp_refuse(in, JIT_ERR_UNSUPPORTED,
                             "the interpreter does not know %s on %u bits%s", op_of(i)->name,
                             jit_type_bits(i->type ? i->type : JIT_I64),
                             jit_type_is_vector(i->type) ? " in lanes" : "");
}

/* ---- Values ---- */

static void mask(reg *r, jit_type t)
{
    unsigned bits = jit_type_bits(t);

    if (bits <= 64) {
        r->lo = low_bits(r->lo, bits);
        r->hi = 0;
    }
}

static reg get(const jit_interp *in, uint32_t id) { return *reg_of(in, in->at, id); }

static void set(jit_interp *in, uint32_t id, uint64_t bits)
{
    reg *r = reg_of(in, in->at, id);

    r->lo = bits;
    r->hi = 0;
}

static bool is_true(reg r) { return (r.lo | r.hi) != 0; }

/* ---- Frames ---- */

/* Room for the registers of one more frame; false: there are too many. */
static bool reserve_regs(jit_interp *in, size_t n)
{
    if (n > MAX_REGS - in->nregs)
        return false;
    if (in->nregs + n > in->regs_cap) {
        size_t cap = in->regs_cap ? in->regs_cap : 1024;
        while (cap < in->nregs + n)
            cap *= 2;
        reg *r = in->host->alloc(in->host->user, cap * sizeof *r);
        if (!r)
            jit_fail(&in->fail, JIT_ERR_NOMEM, "no memory for the interpreter's values");
        if (in->nregs > 0)
            memcpy(r, in->regs, in->nregs * sizeof *r);
        if (in->regs)
            in->host->free(in->host->user, in->regs, in->regs_cap * sizeof *r);
        in->regs = r;
        in->regs_cap = cap;
    }
    return true;
}

/* Address that a symbol stands for. */
static bool symbol_address(jit_interp *in, const ir_gv *g, uint64_t *address)
{
    target *t = g->tls ? NULL : jit_interp_lookup(in, &g->name);
    char name[NAME_BYTES];

    if (g->tls)
        return jit_interp_refuse(in, JIT_ERR_UNSUPPORTED, "symbol %s is thread-local",
                                 name_of(&g->name, name));
    if (!t)
        return jit_interp_refuse(in, JIT_ERR_LINK, "symbol %s is unknown", name_of(&g->name, name));
    *address = t->address + (uint64_t)g->offset;
    return true;
}

/* One step of a global value: *value is its base's value and becomes its own. */
static bool global_step(jit_interp *in, const ir_gv *g, uint64_t *value)
{
    const jit_func *f = in->at->code->f;
    const uint32_t *params = f->pool.at + f->blocks.at[f->layout.at[0]].params;
    reg loaded;

    switch (g->kind) {
    case GV_VMCTX:
        for (uint32_t k = 0; k < f->sig.nparams; k++)
            if (JIT_PARAM_PURPOSE(f->sig.params[k]) == JIT_VMCTX)
                *value = get(in, params[k]).lo;
        return true;
    case GV_LOAD:
        if (!jit_interp_load(in, f->mems.at[g->mem], *value + (uint64_t)g->offset,
                             jit_type_bytes(g->type), &loaded))
            return false;
        *value = loaded.lo;
        return true;
    case GV_IADD_IMM:
        *value = low_bits(*value + (uint64_t)g->offset, jit_type_bits(g->type));
        return true;
    case GV_SYMBOL: return symbol_address(in, g, value);
    default: return jit_interp_refuse(in, JIT_ERR_UNSUPPORTED, "a dynamic scale as global value");
    }
}

/* The value of a global value in the innermost frame: a chain, each step on an earlier one. */
static bool global_value(jit_interp *in, jit_gv gv, uint64_t *value)
{
    const ir_gv *all = in->at->code->f->gvs.at, *g = &all[jit_gv_index(gv)];
    uint32_t n = 1;
    bool ok = true;

    for (; g->kind == GV_LOAD || g->kind == GV_IADD_IMM; n++)
        g = &all[jit_gv_index(g->base)];
    arena_mark mark = jit_arena_mark(&in->tmp);
    const ir_gv **chain = ARENA_ARRAY_RAW(&in->tmp, const ir_gv *, n);
    g = &all[jit_gv_index(gv)];
    for (uint32_t k = n; k-- > 0;) {
        chain[k] = g;
        if (k > 0)
            g = &all[jit_gv_index(g->base)];
    }
    *value = 0;
    for (uint32_t k = 0; k < n && ok; k++)
        ok = global_step(in, chain[k], value);
    jit_arena_rewind(&in->tmp, mark);
    return ok;
}

/* Begins a call of t with args, which match its signature. The caller stays at its call. */
static bool enter(jit_interp *in, target *t, const reg *args)
{
    code *c = jit_interp_prepare(in, t);
    uint64_t return_address = in->frames.len == 0 ? (uint64_t)(uintptr_t)in
        : (uint64_t)(uintptr_t)(inst_at(in->at->code->f, in->at->pc) + 1);

    if (!c)
        return false;
    const jit_func *f = c->f;
    frame new = { .code = c, .regs = in->nregs };
    if (!reserve_regs(in, f->values.len) || !jit_interp_enter_frame(in, &new, return_address))
        return jit_interp_trap(in, JIT_TRAP_STK_OVF);
    in->nregs += f->values.len;
    vec_push(&in->tmp, &in->frames, new);
    in->at = &in->frames.at[in->frames.len - 1];
    jit_interp_number_frame(in);
    in->readonly_frames += c->readonly;

    const ir_block *entry = &f->blocks.at[f->layout.at[0]];
    in->at->pc = entry->first;
    for (uint32_t k = 0; k < entry->nparams; k++)
        *reg_of(in, in->at, f->pool.at[entry->params + k]) = args[k];
    if (f->stack_limit.id) {
        uint64_t limit;
        if (!global_value(in, f->stack_limit, &limit))
            return false;
        if (in->at->sp < limit)
            return jit_interp_trap(in, JIT_TRAP_STK_OVF);
    }
    return true;
}

/* The values of operands, in memory of the run that lasts until it is rewound. */
static reg *gather(jit_interp *in, const uint32_t *ids, uint32_t n)
{
    reg *r = ARENA_ARRAY_RAW(&in->tmp, reg, n);

    for (uint32_t k = 0; k < n; k++)
        r[k] = get(in, ids[k]);
    return r;
}

/* Results of the call that the innermost frame stands at; it goes on behind it. */
static void take_results(jit_interp *in, const reg *values, uint32_t n)
{
    const ir_inst *call = inst_at(in->at->code->f, in->at->pc);

    for (uint32_t k = 0; k < n; k++)
        *reg_of(in, in->at, call->c + k) = values[k];
    in->at->pc++;
}

/* Takes the innermost frame away; its caller, if there is one, stands at its call. */
static void drop_frame(jit_interp *in)
{
    in->readonly_frames -= in->at->code->readonly;
    in->nregs = in->at->regs;
    in->frames.len--;
    in->at = in->frames.len > 0 ? &in->frames.at[in->frames.len - 1] : NULL;
}

/* Returns values from the innermost frame. */
static bool leave(jit_interp *in, const reg *values, uint32_t n)
{
    if (in->frames.len > 1) {
        drop_frame(in);
        take_results(in, values, n);
        return true;
    }
    for (uint32_t k = 0; k < n; k++)
        memcpy(&in->results[k], &values[k], sizeof values[k]);
    return jit_interp_end(in, JIT_RETURNED);
}

static bool return_values(jit_interp *in, const ir_inst *i)
{
    ir_args a = inst_args(in->at->code->f, i);
    arena_mark mark = jit_arena_mark(&in->tmp);
    bool ok = leave(in, gather(in, a.at, a.len), a.len);

    jit_arena_rewind(&in->tmp, mark);
    return ok;
}

/* ---- Calls ---- */

/* Calls t. tail: in place of the innermost frame, whose caller gets the results. */
static bool call_target(jit_interp *in, target *t, const ir_sig *sig, const uint32_t *ids,
                        uint32_t n, bool tail)
{
    char name[NAME_BYTES];
    bool ok;

    if (t->kind == TARGET_DATA)
        return jit_interp_breach(in, "%s is called, but it is data", name_of(&t->name, name));
    for (uint32_t k = 0; k < sig->nparams; k++)
        if (JIT_PARAM_PURPOSE(sig->params[k]) == JIT_PARAM_PURPOSE(JIT_SARG(0)))
            return jit_interp_refuse(in, JIT_ERR_UNSUPPORTED, "%s takes a struct by value",
                                     name_of(&t->name, name));
    if (t->kind == TARGET_FUNC) {
        if (!jit_interp_signature_fits(sig, &t->func->sig))
            return jit_interp_breach(in, "%s is called by another signature than its own",
                                     name_of(&t->name, name));
        if (!jit_interp_prepare(in, t))
            return false;
        /* What outlives the call is made before the mark. */
        vec_reserve(&in->tmp, &in->frames, 1);
        in->at = &in->frames.at[in->frames.len - 1];
    }
    arena_mark mark = jit_arena_mark(&in->tmp);
    reg *args = gather(in, ids, n);
    if (t->kind == TARGET_FUNC) {
        if (tail)
            drop_frame(in);
        ok = enter(in, t, args);
    } else {
        reg *results = ARENA_ARRAY(&in->tmp, reg, sig->nresults);
        ok = jit_interp_call_out(in, t, sig, args, results);
        for (uint32_t k = 0; k < sig->nresults; k++)
            mask(&results[k], JIT_PARAM_TYPE(sig->results[k]));
        if (ok && tail)
            ok = leave(in, results, sig->nresults);
        else if (ok)
            take_results(in, results, sig->nresults);
    }
    jit_arena_rewind(&in->tmp, mark);
    return ok;
}

static bool call(jit_interp *in, const ir_inst *i)
{
    code *c = in->at->code;
    ir_args a = inst_args(c->f, i);
    target *t = jit_interp_callee(in, c, (jit_fnref){ i->b });

    return t && call_target(in, t, jit_inst_signature(c->f, i), a.at, a.len,
                            i->op == JIT_OP_return_call);
}

static bool call_indirect(jit_interp *in, const ir_inst *i)
{
    const jit_func *f = in->at->code->f;
    ir_args a = inst_args(f, i);
    uint64_t address = get(in, a.at[0]).lo;
    target *t = jit_interp_at_address(in, address);

    if (!t)
        return jit_interp_breach(in, "%s to 0x%llx, which is no function", op_of(i)->name,
                                 (unsigned long long)address);
    return call_target(in, t, jit_inst_signature(f, i), a.at + 1, a.len - 1,
                       i->op == JIT_OP_return_call_indirect);
}

/* ---- Control flow ---- */

/* To the block of a block call; its arguments are copied at once. */
static void branch(jit_interp *in, uint32_t pool_index)
{
    const jit_func *f = in->at->code->f;
    ir_target t = block_call(f, pool_index);
    const ir_block *b = &f->blocks.at[t.block];
    const uint32_t *params = f->pool.at + b->params;

    in->at->pc = b->first;
    if (t.nargs == 1) {
        *reg_of(in, in->at, params[0]) = get(in, t.args[0]);
    } else if (t.nargs > 1) {
        arena_mark mark = jit_arena_mark(&in->tmp);
        reg *values = gather(in, t.args, t.nargs);
        for (uint32_t k = 0; k < t.nargs; k++)
            *reg_of(in, in->at, params[k]) = values[k];
        jit_arena_rewind(&in->tmp, mark);
    }
}

static void branch_table(jit_interp *in, const ir_inst *i)
{
    const uint32_t *table = in->at->code->f->pool.at + i->b; /* n, the default, n entries */
    uint64_t x = get(in, i->a).lo;

    branch(in, x < table[0] ? table[2 + x] : table[1]);
}

/* ---- Memory ---- */

/* Bytes that a load or store moves; 0 for those not known here. *sign: it extends with the sign. */
static unsigned access_bytes(const ir_inst *i, bool *sign)
{
    *sign = false;
    switch ((jit_opcode)i->op) {
    case JIT_OP_load:
    case JIT_OP_store: return jit_type_bytes(i->type);
    case JIT_OP_sload8: *sign = true; return 1;
    case JIT_OP_sload16: *sign = true; return 2;
    case JIT_OP_sload32: *sign = true; return 4;
    case JIT_OP_uload8:
    case JIT_OP_istore8: return 1;
    case JIT_OP_uload16:
    case JIT_OP_istore16: return 2;
    case JIT_OP_uload32:
    case JIT_OP_istore32: return 4;
    default: return 0;
    }
}

static bool load(jit_interp *in, const ir_inst *i)
{
    bool sign;
    unsigned n = access_bytes(i, &sign);
    reg value;

    if (n == 0 || n > 16)
        return refuse_inst(in, i);
    uint64_t address = get(in, i->a).lo + (uint64_t)(int64_t)(int32_t)i->b;
    if (!jit_interp_load(in, in->at->code->f->mems.at[i->aux], address, n, &value))
        return false;
    if (sign) {
        value.lo = (uint64_t)signed_bits(value.lo, n * 8);
        value.hi = value.lo >> 63 ? ~(uint64_t)0 : 0;
        mask(&value, i->type);
    }
    *reg_of(in, in->at, i->c) = value;
    in->at->pc++;
    return true;
}

static bool store(jit_interp *in, const ir_inst *i)
{
    bool sign;
    unsigned n = access_bytes(i, &sign);

    if (n == 0 || n > 16)
        return refuse_inst(in, i);
    uint64_t address = get(in, i->b).lo + (uint64_t)(int64_t)(int32_t)i->c;
    if (!jit_interp_store(in, in->at->code->f->mems.at[i->aux], address, n, get(in, i->a)))
        return false;
    in->at->pc++;
    return true;
}

/* ---- Values made from operands ---- */

/* Values of more than 64 bits are only carried, and chosen or combined bit by bit. */
static bool compute_wide(jit_interp *in, const ir_inst *i)
{
    const jit_func *f = in->at->code->f;
    ir_args a = inst_args(f, i);
    reg x[3] = { { 0, 0 }, { 0, 0 }, { 0, 0 } }, r;

    for (uint32_t k = 0; k < a.len && k < 3; k++)
        x[k] = get(in, a.at[k]);
    switch ((jit_opcode)i->op) {
    case JIT_OP_select:
    case JIT_OP_select_spectre_guard: r = is_true(x[0]) ? x[1] : x[2]; break;
    case JIT_OP_band: r = (reg){ x[0].lo & x[1].lo, x[0].hi & x[1].hi }; break;
    case JIT_OP_bor: r = (reg){ x[0].lo | x[1].lo, x[0].hi | x[1].hi }; break;
    case JIT_OP_bxor: r = (reg){ x[0].lo ^ x[1].lo, x[0].hi ^ x[1].hi }; break;
    case JIT_OP_bnot: r = (reg){ ~x[0].lo, ~x[0].hi }; break;
    case JIT_OP_bitselect:
        r.lo = (x[1].lo & x[0].lo) | (x[2].lo & ~x[0].lo);
        r.hi = (x[1].hi & x[0].hi) | (x[2].hi & ~x[0].hi);
        break;
    case JIT_OP_bitcast: /* between lanes of other widths: as if through memory */
        if (f->mems.at[i->aux].bits & JIT_MEM_BIG)
            return refuse_inst(in, i);
        r = x[0];
        break;
    case JIT_OP_uextend: r = x[0]; break;
    case JIT_OP_sextend:
        r.lo = (uint64_t)signed_bits(x[0].lo, jit_type_bits(value_type(f, a.at[0])));
        r.hi = r.lo >> 63 ? ~(uint64_t)0 : 0;
        break;
    case JIT_OP_ireduce: r = x[0]; break;
    case JIT_OP_bmask: r.lo = r.hi = is_true(x[0]) ? ~(uint64_t)0 : 0; break;
    case JIT_OP_iconcat: r = (reg){ x[0].lo, x[1].lo }; break;
    case JIT_OP_isplit:
        set(in, i->c, x[0].lo);
        set(in, i->c + 1, x[0].hi);
        in->at->pc++;
        return true;
    case JIT_OP_trapz:
    case JIT_OP_trapnz:
        if (is_true(x[0]) == (i->op == JIT_OP_trapnz))
            return jit_interp_trap(in, i->aux);
        in->at->pc++;
        return true;
    default: return refuse_inst(in, i);
    }
    mask(&r, value_type(f, i->c));
    *reg_of(in, in->at, i->c) = r;
    in->at->pc++;
    return true;
}

static bool constant(jit_interp *in, const ir_inst *i)
{
    const ir_const *k = &in->at->code->f->consts.at[i->a - 1];
    reg r = { 0, 0 };

    memcpy(&r, k->bytes, k->size < sizeof r ? k->size : sizeof r);
    *reg_of(in, in->at, i->c) = r;
    in->at->pc++;
    return true;
}

/* Whatever numeric.c knows. */
static bool compute(jit_interp *in, const ir_inst *i)
{
    const jit_func *f = in->at->code->f;
    ir_args a = inst_args(f, i);
    uint64_t x[3] = { 0, 0, 0 }, results[2] = { 0, 0 };
    jit_type argtype = a.len > 0 ? value_type(f, a.at[0]) : JIT_VOID;
    unsigned trap;

    for (uint32_t k = 0; k < a.len && k < 3; k++)
        x[k] = get(in, a.at[k]).lo;
    if (!jit_eval((jit_opcode)i->op, i->type, i->aux, x, argtype, results, &trap))
        return compute_wide(in, i);
    if (trap)
        return jit_interp_trap(in, trap);
    if (in->canonical && jit_eval_makes_nan((jit_opcode)i->op))
        results[0] = jit_eval_canonical(i->type, results[0]);
    for (uint32_t k = 0; k < op_of(i)->nresults; k++)
        set(in, i->c + k, results[k]);
    in->at->pc++;
    return true;
}

static bool set_next(jit_interp *in, const ir_inst *i, uint64_t bits)
{
    set(in, i->c, bits);
    in->at->pc++;
    return true;
}

static bool symbol_value(jit_interp *in, const ir_inst *i)
{
    uint64_t address;

    return global_value(in, (jit_gv){ i->a }, &address) && set_next(in, i, address);
}

static bool func_addr(jit_interp *in, const ir_inst *i)
{
    target *t = jit_interp_callee(in, in->at->code, (jit_fnref){ i->a });

    return t && set_next(in, i, t->address);
}

static bool stack_addr(jit_interp *in, const ir_inst *i)
{
    uint64_t slot = in->at->sp + in->at->code->slot_at[i->a - 1];

    return set_next(in, i, slot + (uint64_t)(int64_t)(int32_t)i->b);
}

static bool return_address(jit_interp *in, const ir_inst *i)
{
    uint64_t address;

    memcpy(&address, in->stack + (in->at->fp + 8 - stack_low(in)), sizeof address);
    return set_next(in, i, address);
}

/* ---- One instruction ---- */

static bool execute(jit_interp *in, const ir_inst *i)
{
    switch ((jit_opcode)i->op) {
    case JIT_OP_jump: branch(in, i->a); return true;
    case JIT_OP_brif: branch(in, is_true(get(in, i->a)) ? i->b : i->c); return true;
    case JIT_OP_br_table: branch_table(in, i); return true;
    case JIT_OP_return: return return_values(in, i);
    case JIT_OP_call:
    case JIT_OP_return_call: return call(in, i);
    case JIT_OP_call_indirect:
    case JIT_OP_return_call_indirect: return call_indirect(in, i);
    case JIT_OP_func_addr: return func_addr(in, i);
    case JIT_OP_iconst: return set_next(in, i, low_bits(inst_imm64(i), jit_type_bits(i->type)));
    case JIT_OP_f16const:
    case JIT_OP_f32const: return set_next(in, i, i->a);
    case JIT_OP_f64const: return set_next(in, i, inst_imm64(i));
    case JIT_OP_f128const:
    case JIT_OP_vconst: return constant(in, i);
    case JIT_OP_stack_addr: return stack_addr(in, i);
    case JIT_OP_symbol_value: return symbol_value(in, i);
    case JIT_OP_get_frame_pointer: return set_next(in, i, in->at->fp);
    case JIT_OP_get_stack_pointer: return set_next(in, i, in->at->sp);
    case JIT_OP_get_return_address: return return_address(in, i);
    case JIT_OP_sequence_point:
    case JIT_OP_fence: in->at->pc++; return true; /* one thread: always in order */
    default: break;
    }
    if (op_of(i)->format == FMT_LOAD)
        return load(in, i);
    if (op_of(i)->format == FMT_STORE)
        return store(in, i);
    return compute(in, i);
}

static void run(void *arg)
{
    jit_interp *in = arg;
    const jit_func *f = in->root.func;
    target *t = &in->root;

    /* The module's own entry is used for its functions, so that their address stays the same. */
    if (in->module && f->module == in->module) {
        target *known = jit_interp_lookup(in, &f->name);
        if (known && known->func == f)
            t = known;
    }
    reg *args = ARENA_ARRAY_RAW(&in->tmp, reg, f->sig.nparams);
    for (uint32_t k = 0; k < f->sig.nparams; k++) {
        memcpy(&args[k], &in->args[k], sizeof args[k]);
        mask(&args[k], JIT_PARAM_TYPE(f->sig.params[k]));
    }
    if (!in->stack) {
        in->stack = in->host->alloc(in->host->user, STACK_BYTES);
        in->bytes = in->host->alloc(in->host->user, STACK_BYTES);
        if (!in->stack || !in->bytes)
            jit_fail(&in->fail, JIT_ERR_NOMEM, "no memory for the interpreter's stack");
    }
    in->marked = stack_high(in);
    if (!enter(in, t, args))
        return;
    while (!in->over) {
        if (in->fuel == 0) {
            jit_interp_end(in, JIT_OUT_OF_FUEL);
            return;
        }
        in->fuel--;
        in->steps++;
        execute(in, inst_at(in->at->code->f, in->at->pc));
    }
}

/* ---- The public side ---- */

jit_interp *jit_interp_new(jit_engine *e, const jit_module *m)
{
    const jit_allocator *host = e ? jit_engine_allocator(e) : m ? m->host : &jit_libc_allocator;
    jit_interp *in = host->alloc(host->user, sizeof *in);

    if (!in)
        return NULL;
    memset(in, 0, sizeof *in);
    in->engine = e;
    in->module = m;
    in->host = host;
    jit_arena_init(&in->mem, host, &in->fail);
    jit_arena_init(&in->tmp, host, &in->fail);
    return in;
}

static void give_back(jit_interp *in, void *p, size_t size)
{
    if (p)
        in->host->free(in->host->user, p, size);
}

void jit_interp_free(jit_interp *in)
{
    if (!in)
        return;
    give_back(in, in->stack, STACK_BYTES);
    give_back(in, in->bytes, STACK_BYTES);
    give_back(in, in->regs, in->regs_cap * sizeof *in->regs);
    give_back(in, in->region_cells, in->region_cap * sizeof *in->region_cells);
    give_back(in, in->change_cells, in->change_cap * sizeof *in->change_cells);
    jit_arena_free(&in->mem);
    jit_arena_free(&in->tmp);
    in->host->free(in->host->user, in, sizeof *in);
}

void jit_interp_nan_canonical(jit_interp *in, bool on) { in->canonical = on; }

uint64_t jit_interp_steps(const jit_interp *in) { return in->steps; }

/* Forgets the run before. */
static void start(jit_interp *in, const jit_func *f)
{
    jit_arena_reset(&in->tmp);
    memset(&in->frames, 0, sizeof in->frames);
    memset(&in->out, 0, sizeof in->out);
    in->nregs = 0;
    in->at = NULL;
    in->readonly_frames = 0;
    in->over = false;
    in->message[0] = 0;
    in->run++;
    in->root = (target){ .name = f->name, .kind = TARGET_FUNC, .func = f };
    in->root.address = (uint64_t)(uintptr_t)&in->root;
}

jit_run jit_interp_run(jit_interp *in, const jit_func *f, const jit_bits *args, jit_bits *results,
                       uint64_t fuel)
{
    jit_status status;

    start(in, f);
    in->args = args;
    in->results = results;
    in->fuel = fuel ? fuel : UINT64_MAX;
    status = jit_guard(&in->fail, run, in);
    if (status != JIT_OK)
        jit_interp_refuse(in, status, "%s", in->fail.message);
    return in->out;
}
