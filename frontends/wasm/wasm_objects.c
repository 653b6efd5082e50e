/* wasm_objects.c - functions, globals, tables, memories and instances of the standard API
 * (<gantry/wasm.h>). */
#include "wasm_api.h"

#include <stdlib.h>

static void *object_of(const void *handle)
{
    return ((const wasm_ref_t *)handle)->object;
}

static wasm_store_t *store_of(const void *handle)
{
    return ((const wasm_ref_t *)handle)->store;
}

/* ---- Functions ---- */

typedef struct host_env {
    wasm_store_t *store;
    const gw_sigtype *type;
    wasm_func_callback_t plain;
    wasm_func_callback_with_env_t with_env;
    void *env;
    void (*finalizer)(void *);
} host_env;

static void end_host(void *user)
{
    host_env *h = user;

    if (h->finalizer)
        h->finalizer(h->env);
    free(h);
}

static gw_trap *call_host(void *user, gw_store *s, const gw_val *args, gw_val *results)
{
    const host_env *h = user;
    uint32_t np = h->type->nparams, nr = h->type->nresults;
    wasm_val_t few[16], *v = few;
    wasm_ref_t *trap;
    gw_trap *thrown = NULL;

    (void)s;
    if (np + nr > 16 && !(v = malloc((np + (size_t)nr) * sizeof *v)))
        return gw_trap_new(0, "out of memory", 13);
    for (uint32_t k = 0; k < np; k++)
        gw_api_value(h->store, h->type->types[k], args[k].i64, &v[k]);
    for (uint32_t k = 0; k < nr; k++)
        gw_api_value(h->store, h->type->types[np + k], 0, &v[np + k]);
    wasm_val_vec_t in = { np, v }, out = { nr, v + np };
    trap = (wasm_ref_t *)(h->plain ? h->plain(&in, &out) : h->with_env(h->env, &in, &out));
    if (trap) {
        thrown = trap->object;
        free(trap);
    }
    for (uint32_t k = 0; k < nr && !trap; k++) {
        results[k].i64 = gw_api_bits(h->store, &v[np + k]);
        wasm_val_delete(&v[np + k]);
    }
    for (uint32_t k = 0; k < np; k++)
        wasm_val_delete(&v[k]);
    if (v != few)
        free(v);
    return thrown;
}

static const gw_sigtype *type_in(gw_engine *e, const wasm_functype_t *t)
{
    const wasm_valtype_vec_t *p = wasm_functype_params(t), *r = wasm_functype_results(t);
    gw_type *types = malloc(p->size + r->size + 1);
    gw_functype f = { types, types ? types + p->size : NULL, (uint32_t)p->size, (uint32_t)r->size,
                      0 };
    gw_sigtype *s = NULL;

    if (!types || p->size > 1000 || r->size > 1000) {
        free(types);
        return NULL;
    }
    for (size_t k = 0; k < p->size; k++)
        types[k] = gw_api_type(wasm_valtype_kind(p->data[k]));
    for (size_t k = 0; k < r->size; k++)
        types[p->size + k] = gw_api_type(wasm_valtype_kind(r->data[k]));
    s = gw_engine_type(e, &f);
    free(types);
    return s;
}

static wasm_func_t *new_func(wasm_store_t *s, const wasm_functype_t *type, const host_env *from)
{
    host_env *h = malloc(sizeof *h);
    gw_funcref *ref = NULL;

    if (h) {
        *h = *from;
        h->store = s;
        h->type = type_in(s->store->engine, type);
    }
    if (h && h->type)
        ref = gw_func_host(s->store, gw_engine_type_at(s->store->engine, h->type->id), call_host, h,
                           end_host);
    if (!ref)
        free(h);
    return (wasm_func_t *)gw_api_handle(s, GW_H_FUNC, ref);
}

wasm_func_t *wasm_func_new(wasm_store_t *s, const wasm_functype_t *type, wasm_func_callback_t fn)
{
    host_env h = { .plain = fn };
    return new_func(s, type, &h);
}

wasm_func_t *wasm_func_new_with_env(wasm_store_t *s, const wasm_functype_t *type,
                                    wasm_func_callback_with_env_t fn, void *env,
                                    void (*finalizer)(void *))
{
    host_env h = { .with_env = fn, .env = env, .finalizer = finalizer };
    return new_func(s, type, &h);
}

static const gw_sigtype *func_type(const wasm_func_t *f)
{
    const gw_funcref *r = object_of(f);
    return gw_engine_type_at(store_of(f)->store->engine, r->type);
}

wasm_functype_t *wasm_func_type(const wasm_func_t *f)
{
    const gw_sigtype *t = func_type(f);
    return gw_api_functype(t->types, t->nparams, t->types + t->nparams, t->nresults);
}

size_t wasm_func_param_arity(const wasm_func_t *f)
{
    return func_type(f)->nparams;
}

size_t wasm_func_result_arity(const wasm_func_t *f)
{
    return func_type(f)->nresults;
}

static wasm_trap_t *throw_text(wasm_store_t *s, const char *text)
{
    return (wasm_trap_t *)gw_api_handle(s, GW_H_TRAP, gw_trap_new(0, text, strlen(text)));
}

wasm_trap_t *wasm_func_call(const wasm_func_t *f, const wasm_val_vec_t *args,
                            wasm_val_vec_t *results)
{
    wasm_store_t *s = store_of(f);
    const gw_sigtype *t = func_type(f);
    uint32_t np = t->nparams, nr = t->nresults;
    gw_val few[16], *v = few;
    gw_trap *trap;

    if ((args ? args->size : 0) < np || (results ? results->size : 0) < nr)
        return throw_text(s, "wrong number of arguments or results");
    if (np + nr > 16 && !(v = malloc((np + (size_t)nr) * sizeof *v)))
        return throw_text(s, "out of memory");
    for (uint32_t k = 0; k < np; k++) {
        if (args->data[k].kind != gw_api_kind(t->types[k])) {
            if (v != few)
                free(v);
            return throw_text(s, "an argument's type does not fit");
        }
        v[k].i64 = gw_api_bits(s, &args->data[k]);
    }
    trap = gw_call(s->store, object_of(f), v, v + np);
    for (uint32_t k = 0; k < nr && !trap; k++)
        gw_api_value(s, t->types[np + k], v[np + k].i64, &results->data[k]);
    if (v != few)
        free(v);
    return (wasm_trap_t *)gw_api_handle(s, GW_H_TRAP, trap);
}

/* ---- Globals ---- */

wasm_global_t *wasm_global_new(wasm_store_t *s, const wasm_globaltype_t *t, const wasm_val_t *v)
{
    wasm_valkind_t kind = wasm_valtype_kind(wasm_globaltype_content(t));

    if (v->kind != kind)
        return NULL;
    return (wasm_global_t *)gw_api_handle(s, GW_H_GLOBAL,
                                          gw_global_new(s->store, gw_api_type(kind),
                                                        wasm_globaltype_mutability(t) == WASM_VAR,
                                                        gw_api_bits(s, v)));
}

wasm_globaltype_t *wasm_global_type(const wasm_global_t *g)
{
    const gw_global_inst *o = object_of(g);
    return wasm_globaltype_new(wasm_valtype_new(gw_api_kind(o->type)),
                               o->mutable ? WASM_VAR : WASM_CONST);
}

void wasm_global_get(const wasm_global_t *g, wasm_val_t *out)
{
    const gw_global_inst *o = object_of(g);
    gw_api_value(store_of(g), o->type, *o->cell, out);
}

void wasm_global_set(wasm_global_t *g, const wasm_val_t *v)
{
    gw_global_inst *o = object_of(g);

    if (o->mutable && v->kind == gw_api_kind(o->type))
        *o->cell = gw_api_bits(store_of(g), v);
}

/* ---- Tables ---- */

static gw_range range_of(const wasm_limits_t *l)
{
    gw_range r = { l->min, l->max, l->max != wasm_limits_max_default };
    return r;
}

static wasm_limits_t limits_of(uint32_t min, bool has_max, uint32_t max)
{
    wasm_limits_t l = { min, has_max ? max : wasm_limits_max_default };
    return l;
}

static void *element_of(wasm_store_t *s, gw_type type, wasm_ref_t *r)
{
    wasm_val_t v = { .kind = gw_api_kind(type), .of = { .ref = r } };
    return (void *)(uintptr_t)gw_api_bits(s, &v);
}

wasm_table_t *wasm_table_new(wasm_store_t *s, const wasm_tabletype_t *t, wasm_ref_t *init)
{
    gw_type type = gw_api_type(wasm_valtype_kind(wasm_tabletype_element(t)));
    gw_range r = range_of(wasm_tabletype_limits(t));

    return (wasm_table_t *)gw_api_handle(
        s, GW_H_TABLE, gw_table_new(s->store, type, &r, element_of(s, type, init)));
}

wasm_tabletype_t *wasm_table_type(const wasm_table_t *t)
{
    const gw_table_inst *o = object_of(t);
    wasm_limits_t l = limits_of((uint32_t)o->def.length, o->has_max, o->declared_max);
    return wasm_tabletype_new(wasm_valtype_new(gw_api_kind(o->type)), &l);
}

wasm_ref_t *wasm_table_get(const wasm_table_t *t, wasm_table_size_t index)
{
    const gw_table_inst *o = object_of(t);
    wasm_val_t v;

    if (index >= o->def.length)
        return NULL;
    gw_api_value(store_of(t), o->type, (uintptr_t)o->def.elems[index], &v);
    return v.of.ref;
}

bool wasm_table_set(wasm_table_t *t, wasm_table_size_t index, wasm_ref_t *r)
{
    const gw_table_inst *o = object_of(t);

    if (index >= o->def.length || (r && o->type == GW_FUNCREF && r->kind != GW_H_FUNC))
        return false;
    o->def.elems[index] = element_of(store_of(t), o->type, r);
    return true;
}

wasm_table_size_t wasm_table_size(const wasm_table_t *t)
{
    return (wasm_table_size_t)((const gw_table_inst *)object_of(t))->def.length;
}

bool wasm_table_grow(wasm_table_t *t, wasm_table_size_t delta, wasm_ref_t *init)
{
    gw_table_inst *o = object_of(t);
    uint32_t before;

    return gw_table_grow(o, delta, element_of(store_of(t), o->type, init), &before);
}

/* ---- Memories ---- */

wasm_memory_t *wasm_memory_new(wasm_store_t *s, const wasm_memorytype_t *t)
{
    gw_range r = range_of(wasm_memorytype_limits(t));
    return (wasm_memory_t *)gw_api_handle(s, GW_H_MEMORY, gw_memory_new(s->store, &r));
}

wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *m)
{
    const gw_memory_inst *o = object_of(m);
    wasm_limits_t l = limits_of(o->pages, o->has_max, o->max);
    return wasm_memorytype_new(&l);
}

byte_t *wasm_memory_data(wasm_memory_t *m)
{
    return (byte_t *)((gw_memory_inst *)object_of(m))->def.base;
}

size_t wasm_memory_data_size(const wasm_memory_t *m)
{
    return (size_t)((const gw_memory_inst *)object_of(m))->def.bytes;
}

wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *m)
{
    return ((const gw_memory_inst *)object_of(m))->pages;
}

bool wasm_memory_grow(wasm_memory_t *m, wasm_memory_pages_t delta)
{
    uint32_t before;
    return gw_memory_grow(object_of(m), delta, &before);
}

/* ---- Any of them ---- */

wasm_externkind_t wasm_extern_kind(const wasm_extern_t *x)
{
    switch (((const wasm_ref_t *)x)->kind) {
    case GW_H_FUNC: return WASM_EXTERN_FUNC;
    case GW_H_GLOBAL: return WASM_EXTERN_GLOBAL;
    case GW_H_TABLE: return WASM_EXTERN_TABLE;
    default: return WASM_EXTERN_MEMORY;
    }
}

wasm_externtype_t *wasm_extern_type(const wasm_extern_t *x)
{
    switch (wasm_extern_kind(x)) {
    case WASM_EXTERN_FUNC:
        return wasm_functype_as_externtype(wasm_func_type(wasm_extern_as_func_const(x)));
    case WASM_EXTERN_GLOBAL:
        return wasm_globaltype_as_externtype(wasm_global_type(wasm_extern_as_global_const(x)));
    case WASM_EXTERN_TABLE:
        return wasm_tabletype_as_externtype(wasm_table_type(wasm_extern_as_table_const(x)));
    default: return wasm_memorytype_as_externtype(wasm_memory_type(wasm_extern_as_memory_const(x)));
    }
}

static gw_extern to_extern(const wasm_extern_t *x)
{
    static const gw_kind kinds[] = { GW_KIND_FUNC, GW_KIND_GLOBAL, GW_KIND_TABLE, GW_KIND_MEMORY };
    gw_extern e = { GW_KIND_FUNC, { NULL } };

    if (x) {
        e.kind = kinds[wasm_extern_kind(x)];
        e.of.any = object_of(x);
    }
    return e;
}

static wasm_extern_t *from_extern(wasm_store_t *s, const gw_extern *e)
{
    static const gw_handle_kind kinds[] = { GW_H_FUNC, GW_H_TABLE, GW_H_MEMORY, GW_H_GLOBAL };
    return (wasm_extern_t *)gw_api_handle(s, kinds[e->kind], e->of.any);
}

/* ---- Instances ---- */

wasm_instance_t *wasm_instance_new(wasm_store_t *s, const wasm_module_t *m,
                                   const wasm_extern_vec_t *imports, wasm_trap_t **trap)
{
    return gantry_wasm_instance_new(s, m, imports, trap, NULL);
}

wasm_instance_t *gantry_wasm_instance_new(wasm_store_t *s, const wasm_module_t *m,
                                          const wasm_extern_vec_t *imports, wasm_trap_t **trap,
                                          gantry_wasm_error *e)
{
    gw_code *code = object_of(m);
    uint32_t n = code->module->nimports;
    gw_extern *given = calloc(n + (size_t)1, sizeof *given);
    gw_error err = { GW_NOMEM, SIZE_MAX, "out of memory" };
    gw_instance *i = NULL;
    gw_trap *thrown = NULL;
    gw_status status = GW_NOMEM;

    for (uint32_t k = 0; given && k < n; k++)
        given[k] = to_extern(imports && k < imports->size ? imports->data[k] : NULL);
    if (given)
        status = gw_instance_new(s->store, code, given, &i, &thrown, &err);
    free(given);
    if (status == GW_OK && (thrown = gw_instance_start(i)) != NULL) {
        status = GW_TRAP;
        gw_error_set(&err, GW_TRAP, SIZE_MAX, "%s", gw_trap_message(thrown));
    }
    gw_api_error(e, status, &err);
    if (trap)
        *trap = (wasm_trap_t *)gw_api_handle(s, GW_H_TRAP, thrown);
    else
        gw_trap_free(thrown);
    return status == GW_OK ? (wasm_instance_t *)gw_api_handle(s, GW_H_INSTANCE, i) : NULL;
}

void wasm_instance_exports(const wasm_instance_t *instance, wasm_extern_vec_t *out)
{
    const gw_instance *i = object_of(instance);

    wasm_extern_vec_new_uninitialized(out, i->code->module->nexports);
    for (size_t k = 0; k < out->size; k++)
        out->data[k] = from_extern(store_of(instance), &i->exports[k]);
}

wasm_extern_t *gantry_wasm_instance_export(const wasm_instance_t *i, const char *name,
                                           size_t length)
{
    const gw_extern *e = gw_instance_export(object_of(i), name, length);
    return e ? from_extern(store_of(i), e) : NULL;
}
