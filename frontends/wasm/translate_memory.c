/* translate_memory.c - instructions that read or write what lies outside a function: memory,
 * globals, tables; and calls.
 *
 * Regions: the context's fixed fields never change while code runs (readonly), memory, globals and
 * tables do not alias one another. With guard pages an access of memory is base + zero-extended
 * index + offset and may fault: the fault is the trap. With explicit bounds it is compared first
 * and then cannot fault. */
#include "translate.h"

static jit_mem flags(unsigned bits, unsigned trap, jit_region region)
{
    jit_mem m = { (uint8_t)bits, (uint8_t)trap, region };
    return m;
}

#define CONSTANT (JIT_MEM_NOTRAP | JIT_MEM_ALIGNED | JIT_MEM_READONLY | JIT_MEM_CAN_MOVE)
#define SAFE (JIT_MEM_NOTRAP | JIT_MEM_ALIGNED)

jit_value gw_context_load(gw_translator *t, uint32_t offset)
{
    return jit_load(t->b, JIT_I64, flags(CONSTANT, 0, t->context), t->vmctx, (int32_t)offset);
}

static jit_value context_address(gw_translator *t, uint32_t offset)
{
    return jit_iadd(t->b, t->vmctx, jit_iconst(t->b, JIT_I64, offset));
}

/* ---- Memory ---- */

/* Where an access of so many bytes at index + offset goes, with what is left of the offset. */
static jit_value address(gw_translator *t, jit_value index, uint32_t offset, unsigned bytes,
                         int32_t *rest)
{
    jit_builder *b = t->b;
    jit_value base = t->base, wide = jit_uextend(b, JIT_I64, index);

    if (t->explicit_bounds) {
        jit_value def = gw_context_load(t, offsetof(gw_context, memory));
        jit_value size =
            jit_load(b, JIT_I64, flags(SAFE, 0, t->tables), def, offsetof(gw_memdef, bytes));
        jit_value end = jit_iadd(b, wide, jit_iconst(b, JIT_I64, (int64_t)offset + bytes));
        jit_trapnz(b, jit_icmp(b, JIT_UGT, end, size), JIT_TRAP_HEAP_OOB);
        base = jit_load(b, JIT_I64, flags(SAFE, 0, t->tables), def, offsetof(gw_memdef, base));
    }
    *rest = (int32_t)offset;
    if (offset > INT32_MAX) {
        wide = jit_iadd(b, wide, jit_iconst(b, JIT_I64, offset));
        *rest = 0;
    }
    return jit_iadd(b, base, wide);
}

static jit_mem access_flags(const gw_translator *t)
{
    return flags(t->explicit_bounds ? JIT_MEM_NOTRAP : 0, JIT_TRAP_HEAP_OOB, t->memory);
}

typedef jit_value (*load_fn)(jit_builder *b, jit_type type, jit_mem m, jit_value p, int32_t offset);
typedef void (*store_fn)(jit_builder *b, jit_mem m, jit_value v, jit_value p, int32_t offset);

static void load(gw_translator *t, load_fn fn, jit_type type, unsigned bytes, const uint8_t *at)
{
    gw_memarg m = gw_read_memarg(&t->r);
    jit_value index = gw_pop(t);
    int32_t rest;

    gw_here(t, at);
    jit_value p = address(t, index, m.offset, bytes, &rest);
    gw_push(t, fn(t->b, type, access_flags(t), p, rest));
    gw_no_place(t);
}

static void store(gw_translator *t, store_fn fn, unsigned bytes, const uint8_t *at)
{
    gw_memarg m = gw_read_memarg(&t->r);
    jit_value v = gw_pop(t), index = gw_pop(t);
    int32_t rest;

    gw_here(t, at);
    jit_value p = address(t, index, m.offset, bytes, &rest);
    fn(t->b, access_flags(t), v, p, rest);
    gw_no_place(t);
}

static bool memory_access(gw_translator *t, gw_op op, const uint8_t *at)
{
    switch (op) {
    case GW_OP_i32_load: load(t, jit_load, JIT_I32, 4, at); break;
    case GW_OP_i64_load: load(t, jit_load, JIT_I64, 8, at); break;
    case GW_OP_f32_load: load(t, jit_load, JIT_F32, 4, at); break;
    case GW_OP_f64_load: load(t, jit_load, JIT_F64, 8, at); break;
    case GW_OP_i32_load8_s: load(t, jit_sload8, JIT_I32, 1, at); break;
    case GW_OP_i32_load8_u: load(t, jit_uload8, JIT_I32, 1, at); break;
    case GW_OP_i32_load16_s: load(t, jit_sload16, JIT_I32, 2, at); break;
    case GW_OP_i32_load16_u: load(t, jit_uload16, JIT_I32, 2, at); break;
    case GW_OP_i64_load8_s: load(t, jit_sload8, JIT_I64, 1, at); break;
    case GW_OP_i64_load8_u: load(t, jit_uload8, JIT_I64, 1, at); break;
    case GW_OP_i64_load16_s: load(t, jit_sload16, JIT_I64, 2, at); break;
    case GW_OP_i64_load16_u: load(t, jit_uload16, JIT_I64, 2, at); break;
    case GW_OP_i64_load32_s: load(t, jit_sload32, JIT_I64, 4, at); break;
    case GW_OP_i64_load32_u: load(t, jit_uload32, JIT_I64, 4, at); break;
    case GW_OP_i32_store: case GW_OP_f32_store: store(t, jit_store, 4, at); break;
    case GW_OP_i64_store: case GW_OP_f64_store: store(t, jit_store, 8, at); break;
    case GW_OP_i32_store8: case GW_OP_i64_store8: store(t, jit_istore8, 1, at); break;
    case GW_OP_i32_store16: case GW_OP_i64_store16: store(t, jit_istore16, 2, at); break;
    case GW_OP_i64_store32: store(t, jit_istore32, 4, at); break;
    default:
        return false;
    }
    return true;
}

/* ---- Calls ---- */

static jit_sigref sig_of(gw_translator *t, uint32_t type)
{
    uint32_t k = t->m->types[type].same;

    if (t->sig_stamp[k] != t->run) {
        t->sig_stamp[k] = t->run;
        t->sigs[k] = jit_sig_declare(t->f, &t->code->types[type]->sig);
    }
    return t->sigs[k];
}

/* Arguments from the stack behind the context; results onto it. args[0] is free for the context. */
static const jit_value *arguments(gw_translator *t, const gw_functype *type, jit_value context)
{
    t->args[0] = context;
    gw_top(t, type->nparams, t->args + 1);
    t->sp -= type->nparams;
    return t->args;
}

static void push_results(gw_translator *t, const gw_functype *type, jit_inst call)
{
    for (uint32_t k = 0; k < type->nresults; k++)
        gw_push(t, jit_result(t->b, call, k));
}

static jit_fnref callee_of(gw_translator *t, uint32_t callee)
{
    char name[32];

    if (t->callee_stamp[callee] != t->run) {
        gw_function_name(t->code, callee, name);
        t->callee_stamp[callee] = t->run;
        t->callees[callee] =
            jit_callee_declare(t->f, name, sig_of(t, t->m->funcs[callee].type), true);
    }
    return t->callees[callee];
}

static void call(gw_translator *t, uint32_t callee)
{
    const gw_func *f = &t->m->funcs[callee];
    const gw_functype *type = &t->m->types[f->type];
    jit_inst made;

    if (f->imported) {
        uint32_t ref = t->code->layout.imports + callee * (uint32_t)sizeof(gw_funcref);
        jit_value code = gw_context_load(t, ref + (uint32_t)offsetof(gw_funcref, code));
        jit_value context = gw_context_load(t, ref + (uint32_t)offsetof(gw_funcref, vmctx));
        made = jit_call_indirect(t->b, sig_of(t, f->type), code, type->nparams + 1,
                                 arguments(t, type, context));
    } else {
        made =
            jit_call(t->b, callee_of(t, callee), type->nparams + 1, arguments(t, type, t->vmctx));
    }
    push_results(t, type, made);
}

/* ---- Tables ---- */

static jit_value table_def(gw_translator *t, uint32_t table)
{
    return gw_context_load(t, t->code->layout.tables + table * (uint32_t)sizeof(void *));
}

static jit_value table_length(gw_translator *t, jit_value def)
{
    return jit_load(t->b, JIT_I32, flags(SAFE, 0, t->tables), def, offsetof(gw_tabledef, length));
}

/* The address of an element, after the check of its index. */
static jit_value element(gw_translator *t, uint32_t table, jit_value index, unsigned trap)
{
    jit_builder *b = t->b;
    jit_value def = table_def(t, table), at;

    jit_trapnz(b, jit_icmp(b, JIT_UGE, index, table_length(t, def)), trap);
    at = jit_ishl(b, jit_uextend(b, JIT_I64, index), jit_iconst(b, JIT_I64, 3));
    return jit_iadd(
        b, jit_load(b, JIT_I64, flags(SAFE, 0, t->tables), def, offsetof(gw_tabledef, elems)), at);
}

/* Null is address 0, so reading the type through it is the trap for a missing element. */
static void call_indirect(gw_translator *t, uint32_t type, uint32_t table)
{
    jit_builder *b = t->b;
    const gw_functype *ft = &t->m->types[type];
    jit_value index = gw_pop(t), at = element(t, table, index, GW_TRAP_UNDEFINED_ELEMENT);
    jit_value ref = jit_load(b, JIT_I64, flags(SAFE, 0, t->tables), at, 0);
    jit_mem null =
        flags(JIT_MEM_ALIGNED | JIT_MEM_READONLY, GW_TRAP_UNINITIALIZED_ELEMENT, t->context);
    jit_mem loaded = flags(SAFE | JIT_MEM_READONLY, 0, t->context);
    jit_value id = jit_load(b, JIT_I32, null, ref, offsetof(gw_funcref, type));
    jit_value code, context;

    jit_trapnz(b, jit_icmp(b, JIT_NE, id, jit_iconst(b, JIT_I32, t->code->types[type]->id)),
               GW_TRAP_BAD_SIGNATURE);
    code = jit_load(b, JIT_I64, loaded, ref, offsetof(gw_funcref, code));
    context = jit_load(b, JIT_I64, loaded, ref, offsetof(gw_funcref, vmctx));
    push_results(t, ft, jit_call_indirect(b, sig_of(t, type), code, ft->nparams + 1,
                                          arguments(t, ft, context)));
}

/* ---- The runtime's functions ---- */

static const char *const lib_names[] = {
#define X(name, params, result) "gantry_wasm_lib_" #name,
    GW_LIBCALLS(X)
#undef X
};
static const char *const lib_params[] = {
#define X(name, params, result) params,
    GW_LIBCALLS(X)
#undef X
};
static const char lib_results[] = {
#define X(name, params, result) result,
    GW_LIBCALLS(X)
#undef X
};

static jit_fnref lib_of(gw_translator *t, gw_libcall lib)
{
    jit_abi_param params[8] = { JIT_I64 }, result = JIT_I32;
    jit_signature sig = { JIT_CONV_SYSTEM_V, 1, lib_results[lib] != '-', params, &result };

    if (!(t->lib_made >> lib & 1)) {
        for (const char *p = lib_params[lib]; *p; p++)
            params[sig.nparams++] = *p == 'd' ? JIT_I64 : JIT_I32;
        t->lib_made |= 1u << lib;
        t->libs[lib] = jit_callee_declare(t->f, lib_names[lib], jit_sig_declare(t->f, &sig), false);
    }
    return t->libs[lib];
}

/* Calls with the n operands on top of the stack in front and the immediates behind. */
static void lib(gw_translator *t, gw_libcall which, uint32_t n, uint32_t nimm, uint32_t imm0,
                uint32_t imm1, unsigned trap)
{
    jit_builder *b = t->b;
    jit_fnref fn = lib_of(t, which);
    uint32_t nargs = 1 + n;

    t->args[0] = t->vmctx;
    gw_top(t, n, t->args + 1);
    t->sp -= n;
    if (nimm > 0)
        t->args[nargs++] = jit_iconst(b, JIT_I32, imm0);
    if (nimm > 1)
        t->args[nargs++] = jit_iconst(b, JIT_I32, imm1);
    jit_inst made = jit_call(b, fn, nargs, t->args);
    if (lib_results[which] == '!')
        jit_trapnz(b, jit_result(b, made, 0), trap);
    else if (lib_results[which] == 'w')
        gw_push(t, jit_result(b, made, 0));
}

static void memory_size(gw_translator *t)
{
    jit_value def = gw_context_load(t, offsetof(gw_context, memory));
    jit_value n =
        jit_load(t->b, JIT_I64, flags(SAFE, 0, t->tables), def, offsetof(gw_memdef, bytes));

    n = jit_ushr(t->b, n, jit_iconst(t->b, JIT_I64, 16));
    gw_push(t, jit_ireduce(t->b, JIT_I32, n));
}

static bool bulk(gw_translator *t, gw_op op)
{
    uint32_t x, y;

    switch (op) {
    case GW_OP_memory_grow:
        gw_byte(&t->r);
        lib(t, GW_LIB_memory_grow, 1, 0, 0, 0, 0);
        break;
    case GW_OP_memory_init:
        x = gw_u32(&t->r);
        gw_byte(&t->r);
        lib(t, GW_LIB_memory_init, 3, 1, x, 0, JIT_TRAP_HEAP_OOB);
        break;
    case GW_OP_memory_copy:
        gw_byte(&t->r);
        gw_byte(&t->r);
        lib(t, GW_LIB_memory_copy, 3, 0, 0, 0, JIT_TRAP_HEAP_OOB);
        break;
    case GW_OP_memory_fill:
        gw_byte(&t->r);
        lib(t, GW_LIB_memory_fill, 3, 0, 0, 0, JIT_TRAP_HEAP_OOB);
        break;
    case GW_OP_data_drop:
        lib(t, GW_LIB_data_drop, 0, 1, gw_u32(&t->r), 0, 0);
        break;
    case GW_OP_table_init:
        x = gw_u32(&t->r);
        y = gw_u32(&t->r);
        lib(t, GW_LIB_table_init, 3, 2, y, x, GW_TRAP_TABLE_OOB);
        break;
    case GW_OP_elem_drop:
        lib(t, GW_LIB_elem_drop, 0, 1, gw_u32(&t->r), 0, 0);
        break;
    case GW_OP_table_copy:
        x = gw_u32(&t->r);
        y = gw_u32(&t->r);
        lib(t, GW_LIB_table_copy, 3, 2, x, y, GW_TRAP_TABLE_OOB);
        break;
    case GW_OP_table_grow: {
        jit_value n = gw_pop(t), init = gw_pop(t);
        gw_push(t, n);
        gw_push(t, init);
        lib(t, GW_LIB_table_grow, 2, 1, gw_u32(&t->r), 0, 0);
        break;
    }
    case GW_OP_table_fill:
        lib(t, GW_LIB_table_fill, 3, 1, gw_u32(&t->r), 0, GW_TRAP_TABLE_OOB);
        break;
    default:
        return false;
    }
    return true;
}

/* ---- Globals, references and the rest ---- */

static jit_value global_cell(gw_translator *t, uint32_t k, int32_t *offset)
{
    uint32_t at = t->code->layout.globals + k * (uint32_t)sizeof(uint64_t);

    *offset = 0;
    if (k < t->m->nimported_globals)
        return gw_context_load(t, at);
    *offset = (int32_t)at;
    return t->vmctx;
}

static void global(gw_translator *t, uint32_t k, bool set)
{
    const gw_global *g = &t->m->globals[k];
    int32_t offset;
    jit_value p = global_cell(t, k, &offset);
    jit_mem m = flags(g->mutable ? SAFE : CONSTANT, 0, t->globals);

    if (set)
        jit_store(t->b, m, gw_pop(t), p, offset);
    else
        gw_push(t, jit_load(t->b, gw_jit_type(g->type), m, p, offset));
}

static void ref_func(gw_translator *t, uint32_t k)
{
    const gw_layout *l = &t->code->layout;

    if (k < t->m->nimported_funcs) /* the very reference that was imported */
        gw_push(t, gw_context_load(t, l->import_refs + k * (uint32_t)sizeof(void *)));
    else
        gw_push(t, context_address(t, l->funcs + l->ref_of[k - t->m->nimported_funcs]
                                                     * (uint32_t)sizeof(gw_funcref)));
}

static bool outside(gw_translator *t, gw_op op)
{
    jit_value v, at;
    gw_operand *o;

    switch (op) {
    case GW_OP_global_get:
        global(t, gw_u32(&t->r), false);
        break;
    case GW_OP_global_set:
        global(t, gw_u32(&t->r), true);
        break;
    case GW_OP_table_get:
        at = element(t, gw_u32(&t->r), gw_pop(t), GW_TRAP_TABLE_OOB);
        gw_push(t, jit_load(t->b, JIT_I64, flags(SAFE, 0, t->tables), at, 0));
        break;
    case GW_OP_table_set:
        v = gw_pop(t);
        at = element(t, gw_u32(&t->r), gw_pop(t), GW_TRAP_TABLE_OOB);
        jit_store(t->b, flags(SAFE, 0, t->tables), v, at, 0);
        break;
    case GW_OP_table_size:
        gw_push(t, table_length(t, table_def(t, gw_u32(&t->r))));
        break;
    case GW_OP_memory_size:
        gw_byte(&t->r);
        memory_size(t);
        break;
    case GW_OP_ref_null:
        gw_byte(&t->r);
        gw_push(t, jit_iconst(t->b, JIT_I64, 0));
        break;
    case GW_OP_ref_is_null:
        o = &t->stack[t->sp - 1];
        o->y = jit_iconst(t->b, JIT_I64, 0);
        o->kind = GW_ICMP;
        o->cc = JIT_EQ;
        break;
    case GW_OP_ref_func:
        ref_func(t, gw_u32(&t->r));
        break;
    case GW_OP_call:
        call(t, gw_u32(&t->r));
        break;
    case GW_OP_call_indirect: {
        uint32_t type = gw_u32(&t->r);
        call_indirect(t, type, gw_u32(&t->r));
        break;
    }
    default:
        return bulk(t, op);
    }
    return true;
}

bool gw_translate_access(gw_translator *t, gw_op op, const uint8_t *at)
{
    if (memory_access(t, op, at))
        return true;
    gw_here(t, at);
    bool done = outside(t, op);
    gw_no_place(t);
    return done;
}
