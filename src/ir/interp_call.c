/* interp_call.c - what interpreted code can call: functions by name and address, host functions,
 * libcalls; and the data objects it can name. */
#include "ir/interp.h"

#include "ir/float_ops.h"

#include <stdio.h>
#include <string.h>

/* ---- Names ---- */

/* The target under name, and the key where it stands or would stand. */
static target *find(const jit_interp *in, const ir_name *name, uint64_t *key)
{
    uint32_t k;

    for (*key = jit_name_hash(name); (k = jit_map_get(&in->by_name, *key)) != 0; ++*key)
        if (jit_name_equal(&in->targets.at[k - 1]->name, name))
            return in->targets.at[k - 1];
    return NULL;
}

/* A new target under a name that has none; NULL: no memory. Its name's text is copied. */
static target *add(jit_interp *in, const ir_name *name, target_kind kind)
{
    target *t = arena_try(&in->mem, sizeof *t);
    uint64_t key;

    if (!t || !vec_try_reserve(&in->mem, &in->targets, 1))
        return NULL;
    memset(t, 0, sizeof *t);
    t->name = *name;
    t->kind = kind;
    t->address = (uint64_t)(uintptr_t)t;
    if (name->kind == NAME_TEXT) {
        size_t n = strlen(name->text) + 1;
        char *text = arena_try(&in->mem, n);
        if (!text)
            return NULL;
        memcpy(text, name->text, n);
        t->name.text = text;
    }
    find(in, name, &key);
    in->targets.at[in->targets.len++] = t; /* first, for what a map holds must exist */
    if (!jit_map_try_put(&in->mem, &in->by_address, t->address, in->targets.len)
        || !jit_map_try_put(&in->mem, &in->by_name, key, in->targets.len))
        return NULL;
    return t;
}

jit_status jit_interp_define(jit_interp *in, const char *name, jit_interp_host fn, void *user)
{
    ir_name n;
    uint64_t key;

    if (!name || !fn || !jit_name_scan(name, &n))
        return JIT_ERR_ARG;
    target *t = find(in, &n, &key);
    if (!t)
        t = add(in, &n, TARGET_HOST);
    if (!t)
        return JIT_ERR_NOMEM;
    t->kind = TARGET_HOST;
    t->host = fn;
    t->user = user;
    return JIT_OK;
}

/* The interpreter's own copy of a data object. */
static target *add_data(jit_interp *in, const ir_data *d)
{
    size_t align = d->align < 16 ? 16 : d->align;

    if (d->size > SIZE_MAX - align)
        jit_fail(&in->fail, JIT_ERR_LIMIT, "a data object of %zu bytes", d->size);
    uint64_t base = (uint64_t)(uintptr_t)arena_raw(&in->mem, d->size + align);
    base = (base + align - 1) & ~(uint64_t)(align - 1);
    if (d->size > 0)
        memcpy((void *)(uintptr_t)base, d->bytes, d->size);
    target *t = add(in, &d->name, TARGET_DATA);
    if (!t || (d->size > 0 && !jit_interp_add_range(in, base, d->size, d->writable)))
        return NULL;
    t->address = base;
    return t;
}

/* What the module or the runtime has under a name that was not asked for before. */
static target *resolve(jit_interp *in, const ir_name *name)
{
    const jit_module *m = in->module;
    const jit_func *f = NULL;
    target *t;

    if (m)
        f = name->kind == NAME_LIBCALL ? jit_module_find(m, jit_libcall_name(name->index))
                                       : jit_module_lookup(m, name);
    if (f && f->linkage != JIT_IMPORT) {
        t = add(in, name, TARGET_FUNC);
        if (t)
            t->func = f;
    } else if (name->kind == NAME_LIBCALL) {
        t = add(in, name, TARGET_LIBCALL);
    } else {
        for (uint32_t k = 0; m && k < m->data.len; k++)
            if (jit_name_equal(&m->data.at[k].name, name) && m->data.at[k].linkage != JIT_IMPORT) {
                t = add_data(in, &m->data.at[k]);
                goto found;
            }
        return NULL;
    }
found:
    if (!t)
        jit_fail(&in->fail, JIT_ERR_NOMEM, "no memory for the interpreter's names");
    return t;
}

target *jit_interp_lookup(jit_interp *in, const ir_name *name)
{
    const jit_func *f = in->root.func;
    uint64_t key;
    target *t;

    /* A function that is none of the module's may still call itself. */
    if ((!in->module || f->module != in->module) && jit_name_equal(&f->name, name))
        return &in->root;
    t = find(in, name, &key);
    return t ? t : resolve(in, name);
}

target *jit_interp_at_address(jit_interp *in, uint64_t address)
{
    uint32_t k = jit_map_get(&in->by_address, address);

    if (address == in->root.address)
        return &in->root;
    return k != 0 && in->targets.at[k - 1]->kind != TARGET_DATA ? in->targets.at[k - 1] : NULL;
}

target *jit_interp_callee(jit_interp *in, code *c, jit_fnref fn)
{
    uint32_t k = jit_fnref_index(fn);
    char name[NAME_BYTES];

    if (!c->callees[k]) {
        c->callees[k] = jit_interp_lookup(in, &c->f->callees.at[k].name);
        if (!c->callees[k])
            jit_interp_refuse(in, JIT_ERR_LINK, "function %s is unknown",
                              name_of(&c->f->callees.at[k].name, name));
    }
    return c->callees[k];
}

/* ---- Functions made ready ---- */

/* Replaces each alias by what it means; NULL when there is none. */
static uint32_t *resolve_aliases(jit_interp *in, const jit_func *f)
{
    uint32_t n = f->values.len, first = 0;

    while (first < n && f->values.at[first].kind != VALUE_ALIAS)
        first++;
    if (first == n)
        return NULL;
    uint32_t *real = ARENA_ARRAY(&in->tmp, uint32_t, n);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t end = k;
        while (!real[end] && f->values.at[end].kind == VALUE_ALIAS)
            end = f->values.at[end].def - 1;
        uint32_t meant = real[end] ? real[end] : end + 1;
        for (uint32_t at = k; !real[at]; at = f->values.at[at].def - 1) { /* the whole chain */
            real[at] = meant;
            if (f->values.at[at].kind != VALUE_ALIAS)
                break;
        }
    }
    return real;
}

/* Slots one above the other, with a gap that no access may touch. */
static void lay_out_slots(jit_interp *in, code *c)
{
    enum { GAP = 8 };
    const jit_func *f = c->f;
    uint64_t at = 0;

    c->align = 16;
    c->slot_at = ARENA_ARRAY_RAW(&in->tmp, uint64_t, f->slots.len);
    for (uint32_t k = 0; k < f->slots.len; k++) {
        const ir_slot *s = &f->slots.at[k];
        uint64_t align = s->align ? s->align : 1;
        c->align = align > c->align ? align : c->align;
        at = (at + align - 1) & ~(align - 1);
        c->slot_at[k] = at;
        if (!s->dynamic)
            at += (uint64_t)s->size + GAP;
        if (at > STACK_BYTES)
            at = STACK_BYTES; /* too large for any frame: never entered */
    }
    c->frame_bytes = at;
}

static void keep_first_fault(void *user, const jit_diagnostic *d)
{
    jit_interp *in = user;

    if (in->message[0] == 0)
        snprintf(in->message, sizeof in->message, "%s%s%s", d->instruction ? d->instruction : "",
                 d->instruction ? ": " : "", d->text ? d->text : "");
}

/* Functions are verified once per state; the stamp is all that verifying changes. */
static bool is_sound(jit_interp *in, const jit_func *f)
{
    char text[sizeof in->message];
    jit_status status;

    if (f->fail.status != JIT_OK)
        return jit_interp_refuse(in, f->fail.status, "%s", f->fail.message);
    if (f->verified)
        return true;
    status = jit_func_verify((jit_func *)(uintptr_t)f, keep_first_fault, in);
    if (status == JIT_OK)
        return true;
    memcpy(text, in->message, sizeof text);
    return jit_interp_refuse(in, status, "%s: %.200s", jit_func_name(f), text);
}

code *jit_interp_prepare(jit_interp *in, target *t)
{
    const jit_func *f = t->func;

    if (t->run == in->run)
        return t->code;
    if (!is_sound(in, f))
        return NULL;
    code *c = ARENA_NEW(&in->tmp, code);
    c->f = f;
    c->callees = ARENA_ARRAY(&in->tmp, target *, f->callees.len);
    c->real = resolve_aliases(in, f);
    c->regions = f->regions.len > 1;
    for (uint32_t k = 0; k < f->mems.len; k++)
        c->readonly |= (f->mems.at[k].bits & JIT_MEM_READONLY) != 0;
    lay_out_slots(in, c);
    t->code = c;
    t->run = in->run;
    return c;
}

static uint32_t convention(const ir_sig *s)
{
    return s->conv == JIT_CONV_DEFAULT ? JIT_CONV_SYSTEM_V : s->conv;
}

/* vmctx is a parameter like any other to whoever calls. */
static jit_abi_param passed(jit_abi_param p)
{
    return JIT_PARAM_PURPOSE(p) == JIT_VMCTX ? p & ~0xf000u : p;
}

bool jit_interp_signature_fits(const ir_sig *call, const ir_sig *callee)
{
    if (convention(call) != convention(callee) || call->nparams != callee->nparams
        || call->nresults != callee->nresults)
        return false;
    for (uint32_t k = 0; k < call->nparams; k++)
        if (passed(call->params[k]) != passed(callee->params[k]))
            return false;
    for (uint32_t k = 0; k < call->nresults; k++)
        if (passed(call->results[k]) != passed(callee->results[k]))
            return false;
    return true;
}

/* ---- Host functions ---- */

static bool call_host(jit_interp *in, const target *t, const ir_sig *sig, const reg *args,
                      reg *results)
{
    jit_bits *in_bits = ARENA_ARRAY(&in->tmp, jit_bits, sig->nparams);
    jit_bits *out_bits = ARENA_ARRAY(&in->tmp, jit_bits, sig->nresults);
    unsigned trap = JIT_TRAP_NONE;
    char name[NAME_BYTES];

    for (uint32_t k = 0; k < sig->nparams; k++)
        memcpy(&in_bits[k], &args[k], sizeof in_bits[k]);
    jit_outcome outcome = t->host(t->user, in_bits, out_bits, &trap);
    jit_interp_host_ran(in);
    switch (outcome) {
    case JIT_RETURNED:
        for (uint32_t k = 0; k < sig->nresults; k++)
            memcpy(&results[k], &out_bits[k], sizeof results[k]);
        return true;
    case JIT_TRAPPED: return jit_interp_trap(in, trap);
    case JIT_BREACH: return jit_interp_breach(in, "host function %s reports a breach",
                                              name_of(&t->name, name));
    case JIT_OUT_OF_FUEL: return jit_interp_end(in, JIT_OUT_OF_FUEL);
    case JIT_REFUSED: break;
    }
    return jit_interp_refuse(in, JIT_ERR_UNSUPPORTED, "host function %s refuses the call",
                             name_of(&t->name, name));
}

/* ---- Libcalls ---- */

static const char *const libcall_types[] = {
#define LIBCALL(name, text) text,
#include "ir/libcalls.def"
#undef LIBCALL
};

/* Reads a type as libcalls.def writes it. */
static jit_type next_type(const char **text)
{
    static const struct { const char *name; jit_type type; } known[] = {
        { "void", JIT_VOID }, { "i32", JIT_I32 }, { "i64", JIT_I64 }, { "f32", JIT_F32 },
        { "f64", JIT_F64 }, { "i8x16", JIT_I8X16 }
    };
    size_t n = strcspn(*text, "(,)");

    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        if (strlen(known[k].name) == n && memcmp(known[k].name, *text, n) == 0) {
            *text += n;
            return known[k].type;
        }
    return JIT_VOID;
}

/* Whether a call fits "f32(f32, f32)"; its result may be left unused. */
static bool fits_libcall(const ir_sig *sig, const char *text)
{
    jit_type result = next_type(&text);
    uint32_t n = 0;

    for (text++; *text != ')'; text += strspn(text, ", "), n++)
        if (n >= sig->nparams || JIT_PARAM_TYPE(sig->params[n]) != next_type(&text))
            return false;
    return n == sig->nparams && sig->nresults <= 1
        && (sig->nresults == 0 || JIT_PARAM_TYPE(sig->results[0]) == result);
}

static int compare_bytes(const uint8_t *a, const uint8_t *b, uint64_t n)
{
    for (uint64_t k = 0; k < n; k++)
        if (a[k] != b[k])
            return a[k] < b[k] ? -1 : 1;
    return 0;
}

static bool call_libcall(jit_interp *in, unsigned libcall, const reg *args, uint64_t *result)
{
    const uint8_t *a, *b;
    uint8_t *to;

    switch (libcall) {
    case LIBCALL_CeilF32: *result = jit_float_round(JIT_F32, ROUND_UP, args[0].lo); return true;
    case LIBCALL_CeilF64: *result = jit_float_round(JIT_F64, ROUND_UP, args[0].lo); return true;
    case LIBCALL_FloorF32: *result = jit_float_round(JIT_F32, ROUND_DOWN, args[0].lo); return true;
    case LIBCALL_FloorF64: *result = jit_float_round(JIT_F64, ROUND_DOWN, args[0].lo); return true;
    case LIBCALL_TruncF32: *result = jit_float_round(JIT_F32, ROUND_ZERO, args[0].lo); return true;
    case LIBCALL_TruncF64: *result = jit_float_round(JIT_F64, ROUND_ZERO, args[0].lo); return true;
    case LIBCALL_NearestF32:
        *result = jit_float_round(JIT_F32, ROUND_NEAREST, args[0].lo);
        return true;
    case LIBCALL_NearestF64:
        *result = jit_float_round(JIT_F64, ROUND_NEAREST, args[0].lo);
        return true;
    case LIBCALL_FmaF32:
        *result = jit_float_fma(JIT_F32, args[0].lo, args[1].lo, args[2].lo);
        return true;
    case LIBCALL_FmaF64:
        *result = jit_float_fma(JIT_F64, args[0].lo, args[1].lo, args[2].lo);
        return true;
    case LIBCALL_Memcpy:
        if (args[0].lo - args[1].lo < args[2].lo || args[1].lo - args[0].lo < args[2].lo)
            if (args[0].lo != args[1].lo)
                return jit_interp_breach(in, "Memcpy of %llu bytes that overlap",
                                         (unsigned long long)args[2].lo);
        *result = args[0].lo;
        return jit_interp_copy(in, args[0].lo, args[1].lo, args[2].lo);
    case LIBCALL_Memmove:
        *result = args[0].lo;
        return jit_interp_copy(in, args[0].lo, args[1].lo, args[2].lo);
    case LIBCALL_Memset:
        *result = args[0].lo;
        if (args[2].lo == 0)
            return true;
        to = jit_interp_span(in, args[0].lo, args[2].lo, true);
        if (to)
            memset(to, (int)(args[1].lo & 0xff), (size_t)args[2].lo);
        return to != NULL;
    case LIBCALL_Memcmp:
        *result = 0;
        if (args[2].lo == 0)
            return true;
        a = jit_interp_span(in, args[0].lo, args[2].lo, false);
        b = a ? jit_interp_span(in, args[1].lo, args[2].lo, false) : NULL;
        if (b)
            *result = (uint32_t)compare_bytes(a, b, args[2].lo);
        return b != NULL;
    case LIBCALL_Probestack: return true;
    default:
        return jit_interp_refuse(in, JIT_ERR_UNSUPPORTED,
                                 "the interpreter does not know libcall %s",
                                 jit_libcall_name(libcall));
    }
}

bool jit_interp_call_out(jit_interp *in, const target *t, const ir_sig *sig, const reg *args,
                         reg *results)
{
    uint64_t result = 0;

    if (t->kind == TARGET_HOST)
        return call_host(in, t, sig, args, results);
    if (!fits_libcall(sig, libcall_types[t->name.index]))
        return jit_interp_breach(in, "libcall %s is %s, and called by another signature",
                                 jit_libcall_name(t->name.index), libcall_types[t->name.index]);
    if (!call_libcall(in, t->name.index, args, &result))
        return false;
    if (sig->nresults > 0)
        results[0] = (reg){ result, 0 };
    return true;
}
