/* wasm_types.c - lists and types of the standard API (<gantry/wasm.h>): plain data with owners. */
#include "wasm_api.h"

#include <stdlib.h>

/* ---- Lists ---- */

/* Every list is the same struct under another name; a list without memory for its elements has size
 * 0. */
#define VEC_BASE(name, element) \
    void wasm_##name##_vec_new_empty(wasm_##name##_vec_t *out) \
    { \
        out->size = 0; \
        out->data = NULL; \
    } \
    void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t *out, size_t size) \
    { \
        out->data = size ? calloc(size, sizeof(element)) : NULL; \
        out->size = out->data ? size : 0; \
    } \
    void wasm_##name##_vec_new(wasm_##name##_vec_t *out, size_t size, element const elements[]) \
    { \
        wasm_##name##_vec_new_uninitialized(out, size); \
        if (out->size) \
            memcpy(out->data, elements, size * sizeof(element)); \
    }
#define VEC_OF_POINTERS(name) \
    VEC_BASE(name, wasm_##name##_t *) \
    void wasm_##name##_vec_copy(wasm_##name##_vec_t *out, const wasm_##name##_vec_t *from) \
    { \
        wasm_##name##_vec_new_uninitialized(out, from->size); \
        for (size_t k = 0; k < out->size; k++) \
            out->data[k] = from->data[k] ? wasm_##name##_copy(from->data[k]) : NULL; \
    } \
    void wasm_##name##_vec_delete(wasm_##name##_vec_t *list) \
    { \
        for (size_t k = 0; list->data && k < list->size; k++) \
            wasm_##name##_delete(list->data[k]); \
        free(list->data); \
        wasm_##name##_vec_new_empty(list); \
    }

VEC_BASE(byte, wasm_byte_t)
void wasm_byte_vec_copy(wasm_byte_vec_t *out, const wasm_byte_vec_t *from)
{
    wasm_byte_vec_new(out, from->size, from->data);
}
void wasm_byte_vec_delete(wasm_byte_vec_t *list)
{
    free(list->data);
    wasm_byte_vec_new_empty(list);
}

VEC_BASE(val, wasm_val_t)
void wasm_val_vec_copy(wasm_val_vec_t *out, const wasm_val_vec_t *from)
{
    wasm_val_vec_new_uninitialized(out, from->size);
    for (size_t k = 0; k < out->size; k++)
        wasm_val_copy(&out->data[k], &from->data[k]);
}
void wasm_val_vec_delete(wasm_val_vec_t *list)
{
    for (size_t k = 0; list->data && k < list->size; k++)
        wasm_val_delete(&list->data[k]);
    free(list->data);
    wasm_val_vec_new_empty(list);
}

VEC_OF_POINTERS(valtype)
VEC_OF_POINTERS(functype)
VEC_OF_POINTERS(globaltype)
VEC_OF_POINTERS(tabletype)
VEC_OF_POINTERS(memorytype)
VEC_OF_POINTERS(externtype)
VEC_OF_POINTERS(importtype)
VEC_OF_POINTERS(exporttype)
VEC_OF_POINTERS(frame)
VEC_OF_POINTERS(extern)

/* ---- Value types ---- */

struct wasm_valtype_t { wasm_valkind_t kind; };

/* There is one object for each kind; nothing is counted. */
static wasm_valtype_t kinds[6] = {
    { WASM_I32 }, { WASM_I64 }, { WASM_F32 }, { WASM_F64 }, { WASM_EXTERNREF }, { WASM_FUNCREF }
};

wasm_valtype_t *wasm_valtype_new(wasm_valkind_t k)
{
    for (size_t j = 0; j < sizeof kinds / sizeof *kinds; j++)
        if (kinds[j].kind == k)
            return &kinds[j];
    return NULL;
}

void wasm_valtype_delete(wasm_valtype_t *t)
{
    (void)t;
}

wasm_valtype_t *wasm_valtype_copy(const wasm_valtype_t *t)
{
    return wasm_valtype_new(t->kind);
}

wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *t)
{
    return t->kind;
}

wasm_valkind_t gw_api_kind(gw_type t)
{
    switch (t) {
    case GW_I32: return WASM_I32;
    case GW_I64: return WASM_I64;
    case GW_F32: return WASM_F32;
    case GW_F64: return WASM_F64;
    case GW_FUNCREF: return WASM_FUNCREF;
    default: return WASM_EXTERNREF;
    }
}

gw_type gw_api_type(wasm_valkind_t k)
{
    switch (k) {
    case WASM_I32: return GW_I32;
    case WASM_I64: return GW_I64;
    case WASM_F32: return GW_F32;
    case WASM_F64: return GW_F64;
    case WASM_FUNCREF: return GW_FUNCREF;
    default: return GW_EXTERNREF;
    }
}

/* ---- External types: one struct for all kinds ---- */

struct wasm_externtype_t {
    wasm_externkind_t kind;
    wasm_valtype_vec_t params, results; /* function */
    wasm_valtype_t *content;            /* global, table */
    wasm_mutability_t mutability;
    wasm_limits_t limits;               /* table, memory */
};

static wasm_externtype_t *new_externtype(wasm_externkind_t kind)
{
    wasm_externtype_t *t = calloc(1, sizeof *t);

    if (t)
        t->kind = kind;
    return t;
}

void wasm_externtype_delete(wasm_externtype_t *t)
{
    if (!t)
        return;
    wasm_valtype_vec_delete(&t->params);
    wasm_valtype_vec_delete(&t->results);
    free(t);
}

wasm_externtype_t *wasm_externtype_copy(const wasm_externtype_t *from)
{
    wasm_externtype_t *t = new_externtype(from->kind);

    if (t) {
        *t = *from;
        wasm_valtype_vec_copy(&t->params, &from->params);
        wasm_valtype_vec_copy(&t->results, &from->results);
    }
    return t;
}

wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *t)
{
    return t->kind;
}

#define EXTERNTYPE(name, KIND) \
    wasm_externtype_t *wasm_##name##_as_externtype(wasm_##name##_t *t) \
    { return (wasm_externtype_t *)t; } \
    const wasm_externtype_t *wasm_##name##_as_externtype_const(const wasm_##name##_t *t) \
    { return (const wasm_externtype_t *)t; } \
    wasm_##name##_t *wasm_externtype_as_##name(wasm_externtype_t *t) \
    { return t->kind == KIND ? (wasm_##name##_t *)t : NULL; } \
    const wasm_##name##_t *wasm_externtype_as_##name##_const(const wasm_externtype_t *t) \
    { return t->kind == KIND ? (const wasm_##name##_t *)t : NULL; } \
    void wasm_##name##_delete(wasm_##name##_t *t) \
    { wasm_externtype_delete((wasm_externtype_t *)t); } \
    wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *t) \
    { return (wasm_##name##_t *)wasm_externtype_copy((const wasm_externtype_t *)t); }
EXTERNTYPE(functype, WASM_EXTERN_FUNC)
EXTERNTYPE(globaltype, WASM_EXTERN_GLOBAL)
EXTERNTYPE(tabletype, WASM_EXTERN_TABLE)
EXTERNTYPE(memorytype, WASM_EXTERN_MEMORY)

#define OF(t) ((const wasm_externtype_t *)(t))

wasm_functype_t *wasm_functype_new(wasm_valtype_vec_t *params, wasm_valtype_vec_t *results)
{
    wasm_externtype_t *t = new_externtype(WASM_EXTERN_FUNC);

    if (t) {
        t->params = *params;
        t->results = *results;
        wasm_valtype_vec_new_empty(params);
        wasm_valtype_vec_new_empty(results);
    } else {
        wasm_valtype_vec_delete(params);
        wasm_valtype_vec_delete(results);
    }
    return (wasm_functype_t *)t;
}

const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *t)
{
    return &OF(t)->params;
}

const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *t)
{
    return &OF(t)->results;
}

wasm_globaltype_t *wasm_globaltype_new(wasm_valtype_t *content, wasm_mutability_t mutability)
{
    wasm_externtype_t *t = new_externtype(WASM_EXTERN_GLOBAL);

    if (t) {
        t->content = content;
        t->mutability = mutability;
    }
    return (wasm_globaltype_t *)t;
}

const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *t)
{
    return OF(t)->content;
}

wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *t)
{
    return OF(t)->mutability;
}

wasm_tabletype_t *wasm_tabletype_new(wasm_valtype_t *element, const wasm_limits_t *limits)
{
    wasm_externtype_t *t = new_externtype(WASM_EXTERN_TABLE);

    if (t) {
        t->content = element;
        t->limits = *limits;
    }
    return (wasm_tabletype_t *)t;
}

const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *t)
{
    return OF(t)->content;
}

const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *t)
{
    return &OF(t)->limits;
}

wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *limits)
{
    wasm_externtype_t *t = new_externtype(WASM_EXTERN_MEMORY);

    if (t)
        t->limits = *limits;
    return (wasm_memorytype_t *)t;
}

const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *t)
{
    return &OF(t)->limits;
}

/* ---- From the types of a module ---- */

static void list_of(wasm_valtype_vec_t *out, const gw_type *types, uint32_t n)
{
    wasm_valtype_vec_new_uninitialized(out, n);
    for (size_t k = 0; k < out->size; k++)
        out->data[k] = wasm_valtype_new(gw_api_kind(types[k]));
}

wasm_functype_t *gw_api_functype(const gw_type *params, uint32_t nparams, const gw_type *results,
                                 uint32_t nresults)
{
    wasm_valtype_vec_t p, r;

    list_of(&p, params, nparams);
    list_of(&r, results, nresults);
    return wasm_functype_new(&p, &r);
}

wasm_externtype_t *gw_api_externtype(const gw_module *m, gw_kind kind, uint32_t index)
{
    const gw_functype *f;
    wasm_limits_t limits = { 0, 0 };
    const gw_range *r = NULL;

    switch (kind) {
    case GW_KIND_FUNC:
        f = &m->types[m->funcs[index].type];
        return (wasm_externtype_t *)gw_api_functype(f->params, f->nparams, f->results, f->nresults);
    case GW_KIND_GLOBAL:
        return (wasm_externtype_t *)wasm_globaltype_new(
            wasm_valtype_new(gw_api_kind(m->globals[index].type)),
            m->globals[index].mutable ? WASM_VAR : WASM_CONST);
    case GW_KIND_TABLE:
        r = &m->tables[index].range;
        break;
    case GW_KIND_MEMORY:
        r = &m->memories[index].range;
        break;
    }
    limits.min = r->min;
    limits.max = r->has_max ? r->max : wasm_limits_max_default;
    if (kind == GW_KIND_MEMORY)
        return (wasm_externtype_t *)wasm_memorytype_new(&limits);
    return (wasm_externtype_t *)wasm_tabletype_new(
        wasm_valtype_new(gw_api_kind(m->tables[index].type)), &limits);
}

/* ---- Imports and exports ---- */

struct wasm_importtype_t {
    wasm_name_t module, name;
    wasm_externtype_t *type;
};
struct wasm_exporttype_t {
    wasm_name_t name;
    wasm_externtype_t *type;
};

wasm_importtype_t *wasm_importtype_new(wasm_name_t *module, wasm_name_t *name,
                                       wasm_externtype_t *type)
{
    wasm_importtype_t *t = calloc(1, sizeof *t);

    if (t) {
        t->module = *module;
        t->name = *name;
        t->type = type;
        wasm_name_new_empty(module);
        wasm_name_new_empty(name);
    }
    return t;
}

void wasm_importtype_delete(wasm_importtype_t *t)
{
    if (!t)
        return;
    wasm_name_delete(&t->module);
    wasm_name_delete(&t->name);
    wasm_externtype_delete(t->type);
    free(t);
}

wasm_importtype_t *wasm_importtype_copy(const wasm_importtype_t *t)
{
    wasm_name_t module, name;

    wasm_name_copy(&module, &t->module);
    wasm_name_copy(&name, &t->name);
    return wasm_importtype_new(&module, &name, wasm_externtype_copy(t->type));
}

const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *t)
{
    return &t->module;
}

const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *t)
{
    return &t->name;
}

const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *t)
{
    return t->type;
}

wasm_exporttype_t *wasm_exporttype_new(wasm_name_t *name, wasm_externtype_t *type)
{
    wasm_exporttype_t *t = calloc(1, sizeof *t);

    if (t) {
        t->name = *name;
        t->type = type;
        wasm_name_new_empty(name);
    }
    return t;
}

void wasm_exporttype_delete(wasm_exporttype_t *t)
{
    if (!t)
        return;
    wasm_name_delete(&t->name);
    wasm_externtype_delete(t->type);
    free(t);
}

wasm_exporttype_t *wasm_exporttype_copy(const wasm_exporttype_t *t)
{
    wasm_name_t name;

    wasm_name_copy(&name, &t->name);
    return wasm_exporttype_new(&name, wasm_externtype_copy(t->type));
}

const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *t)
{
    return &t->name;
}

const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *t)
{
    return t->type;
}
