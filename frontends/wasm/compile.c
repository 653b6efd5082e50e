/* compile.c - a module from bytes to code: decode, compile function by function on the threads the
 * caller gives, publish as one batch, so that calls within the module are direct. */
#include "translate.h"

#include <stdlib.h>
#include <string.h>

static uint32_t own_count(const gw_code *c)
{
    return c->module->nfuncs - c->module->nimported_funcs;
}

/* Places of what differs from module to module, behind the context's fixed part. False: it would be
 * too large. */
static bool lay_out(gw_code *c)
{
    const gw_module *m = c->module;
    gw_layout *l = &c->layout;
    uint64_t at = sizeof(gw_context);

    l->ref_of = malloc((own_count(c) + (size_t)1) * sizeof *l->ref_of);
    if (!l->ref_of)
        return false;
    for (uint32_t k = 0; k < own_count(c); k++)
        l->ref_of[k] = m->funcs[m->nimported_funcs + k].referenced ? l->nfuncs++ : ~0u;
    l->imports = (uint32_t)at;
    at += (uint64_t)m->nimported_funcs * sizeof(gw_funcref);
    l->import_refs = (uint32_t)at;
    at += (uint64_t)m->nimported_funcs * sizeof(void *);
    l->funcs = (uint32_t)at;
    at += (uint64_t)l->nfuncs * sizeof(gw_funcref);
    l->globals = (uint32_t)at;
    at += (uint64_t)m->nglobals * sizeof(uint64_t);
    l->tables = (uint32_t)at;
    at += (uint64_t)m->ntables * sizeof(void *);
    l->size = (uint32_t)at;
    return at <= INT32_MAX;
}

static gw_status prepare(gw_code *c, gw_error *err)
{
    const gw_module *m = c->module;
    uint32_t n = own_count(c);

    c->types = calloc(m->ntypes + (size_t)1, sizeof *c->types);
    c->units = calloc(n + (size_t)1, sizeof *c->units);
    c->codes = calloc(n + (size_t)1, sizeof *c->codes);
    c->order = malloc((n + (size_t)1) * sizeof *c->order);
    if (!c->types || !c->units || !c->codes || !c->order || !lay_out(c))
        return gw_error_set(err, GW_NOMEM, SIZE_MAX, "out of memory");
    for (uint32_t k = 0; k < m->ntypes; k++) {
        c->types[k] = gw_engine_type(c->engine, &m->types[k]);
        if (!c->types[k])
            return gw_error_set(err, GW_NOMEM, SIZE_MAX, "out of memory");
    }
    return GW_OK;
}

gw_status gw_code_new(gw_engine *e, const void *bytes, size_t size, bool keep, gw_code **code,
                      gw_error *err)
{
    gw_code *c = calloc(1, sizeof *c);
    gw_status status;

    *code = NULL;
    if (!c)
        return gw_error_set(err, GW_NOMEM, SIZE_MAX, "out of memory");
    gw_engine_hold(e);
    c->engine = e;
    atomic_init(&c->users, 1);
    c->space = atomic_fetch_add(&e->nmodules, 1);
    c->guarded = !e->options.explicit_bounds;
    status = gw_module_decode(bytes, size, keep, &c->module, err);
    if (status == GW_OK)
        status = prepare(c, err);
    if (status != GW_OK) {
        gw_code_release(c);
        return status;
    }
    *code = c;
    return GW_OK;
}

/* ---- Compiling ---- */

static jit_settings settings_of(const gw_code *c)
{
    const gw_options *o = &c->engine->options;
    jit_settings s = { .size = sizeof s, .level = o->level, .checks = o->checks, .no_verify = true,
                       .nan_canonical = o->nan_canonical, .frame_pointers = true };
    return s;
}

/* The first failure is the one reported. */
static void fail(gw_code *c, gw_status status, uint32_t func, const char *text)
{
    if (atomic_flag_test_and_set(&c->failing))
        return;
    gw_error_set(&c->error, status, c->module->funcs[func].offset, "function %u: %s", func, text);
    atomic_store(&c->status, (int)status);
}

static gw_status of_jit(jit_status s)
{
    return s == JIT_ERR_NOMEM ? GW_NOMEM
           : s == JIT_ERR_LIMIT || s == JIT_ERR_CANCELLED || s == JIT_ERR_CODE_FULL ? GW_LIMIT
           : s == JIT_ERR_UNSUPPORTED ? GW_UNSUPPORTED : GW_INTERNAL;
}

static bool compile_one(gw_code *c, gw_translator *t, jit_ctx *ctx, uint32_t own)
{
    uint32_t func = c->module->nimported_funcs + own;
    jit_func *f = gw_translate(t, func);
    jit_status status = f ? jit_compile_unit(ctx, f, NULL, &c->units[own]) : JIT_ERR_NOMEM;

    if (status != JIT_OK) {
        fail(c, of_jit(status), func,
             f ? jit_error_message(ctx) : "out of memory, or over the engine's limit");
        c->units[own] = NULL;
    }
    jit_func_free(f);
    atomic_fetch_add(&c->done, 1);
    return status == JIT_OK;
}

void gw_code_compile_some(gw_code *c)
{
    jit_settings s = settings_of(c);
    jit_ctx *ctx = jit_ctx_new(c->engine->jit);
    gw_translator *t = gw_translator_new(c);
    uint32_t n = own_count(c), own;

    if (!ctx || !t || jit_ctx_configure(ctx, &s) != JIT_OK)
        fail(c, GW_NOMEM, 0, "out of memory");
    while (atomic_load(&c->status) == GW_OK && (own = atomic_fetch_add(&c->next, 1)) < n)
        if (!compile_one(c, t, ctx, own))
            break;
    gw_translator_free(t);
    jit_ctx_free(ctx);
}

static void free_units(gw_code *c)
{
    for (uint32_t k = 0; c->units && k < own_count(c); k++)
        jit_unit_free(c->units[k]);
    free(c->units);
    c->units = NULL;
}

/* ---- Publishing ---- */

static uintptr_t entry_of(const jit_code *code)
{
    return (uintptr_t)jit_code_entry(code);
}

/* Ascending by address: a merge sort without a comparison function that would need a global. */
static bool sort_by_address(gw_code *c, uint32_t n)
{
    uint32_t *from = c->order, *to = malloc((n + (size_t)1) * sizeof *to), *other = to;

    if (!to)
        return false;
    for (uint32_t k = 0; k < n; k++)
        from[k] = k;
    for (uint32_t width = 1; width < n; width *= 2) {
        for (uint32_t low = 0; low < n; low += 2 * width) {
            uint32_t mid = low + width < n ? low + width : n,
                     high = mid + width < n ? mid + width : n;
            uint32_t a = low, b = mid;
            for (uint32_t k = low; k < high; k++)
                to[k] = b == high
                                || (a < mid
                                    && entry_of(c->codes[from[a]]) <= entry_of(c->codes[from[b]]))
                            ? from[a++]
                            : from[b++];
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != c->order)
        memcpy(c->order, from, n * sizeof *from);
    free(other);
    return true;
}

gw_status gw_code_finish(gw_code *c, gw_error *err)
{
    uint32_t n = own_count(c);

    gw_code_compile_some(c);
    gw_status status = (gw_status)atomic_load(&c->status);
    if (status != GW_OK) {
        if (err)
            *err = c->error;
        return status;
    }
    jit_ctx *ctx = jit_ctx_new(c->engine->jit);
    jit_status published =
        ctx ? jit_publish(c->engine->jit, ctx, c->units, n, c->codes) : JIT_ERR_NOMEM;
    if (published != JIT_OK)
        gw_error_set(err, status = of_jit(published), SIZE_MAX, "%s",
                     ctx ? jit_error_message(ctx) : "out of memory");
    jit_ctx_free(ctx);
    free_units(c);
    if (status != GW_OK)
        return status;
    c->published = true;
    return sort_by_address(c, n) ? GW_OK : gw_error_set(err, GW_NOMEM, SIZE_MAX, "out of memory");
}

void gw_code_hold(gw_code *c)
{
    atomic_fetch_add(&c->users, 1);
}

void gw_code_release(gw_code *c)
{
    if (!c || atomic_fetch_sub(&c->users, 1) != 1)
        return;
    if (c->module) {
        free_units(c);
        for (uint32_t k = 0; c->published && k < own_count(c); k++)
            jit_code_free(c->codes[k]);
    }
    free(c->codes);
    free(c->order);
    free(c->types);
    free(c->layout.ref_of);
    gw_module_free(c->module);
    gw_engine_release(c->engine);
    free(c);
}

bool gw_code_place(const gw_code *c, const void *pc, uint32_t *func, uint32_t *offset)
{
    uint32_t low = 0, high = c->published ? own_count(c) : 0;

    while (low < high) { /* the last one that begins at pc or before */
        uint32_t mid = low + (high - low) / 2;
        if (entry_of(c->codes[c->order[mid]]) <= (uintptr_t)pc)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return false;
    const jit_code *code = c->codes[c->order[low - 1]];
    if ((uintptr_t)pc - entry_of(code) >= jit_code_size(code))
        return false;
    *func = c->module->nimported_funcs + c->order[low - 1];
    *offset = jit_code_position_at(code, pc);
    return true;
}
