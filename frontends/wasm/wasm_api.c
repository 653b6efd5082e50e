/* wasm_api.c - the standard API's engines, stores, references, traps, modules (<gantry/wasm.h>). */
#include "wasm_api.h"

#include <stdlib.h>

/* ---- Configuration, engines, stores ---- */

wasm_config_t *wasm_config_new(void)
{
    wasm_config_t *c = calloc(1, sizeof *c);

    if (c)
        c->options.positions = true;
    return c;
}

void wasm_config_delete(wasm_config_t *c)
{
    free(c);
}

/* Engines alive; traps need the signal handlers as long as there is one. */
static atomic_uint engines;

wasm_engine_t *wasm_engine_new_with_config(wasm_config_t *c)
{
    wasm_engine_t *e = c ? calloc(1, sizeof *e) : NULL;

    if (e)
        e->engine = gw_engine_new(&c->options);
    wasm_config_delete(c);
    if (!e || !e->engine) {
        free(e);
        return NULL;
    }
    if (atomic_fetch_add(&engines, 1) == 0)
        jit_traps_install();
    return e;
}

wasm_engine_t *wasm_engine_new(void)
{
    return wasm_engine_new_with_config(wasm_config_new());
}

void wasm_engine_delete(wasm_engine_t *e)
{
    if (!e)
        return;
    gw_engine_release(e->engine);
    free(e);
    if (atomic_fetch_sub(&engines, 1) == 1)
        jit_traps_remove();
}

wasm_store_t *wasm_store_new(wasm_engine_t *e)
{
    wasm_store_t *s = calloc(1, sizeof *s);

    if (s)
        s->store = gw_store_new(e->engine, NULL);
    if (s && !s->store) {
        free(s);
        return NULL;
    }
    return s;
}

void wasm_store_delete(wasm_store_t *s)
{
    if (!s)
        return;
    for (gw_anchor *a = s->anchors, *next; a; a = next) {
        next = a->next;
        if (a->finalizer)
            a->finalizer(a->info);
        free(a);
    }
    gw_store_free(s->store);
    free(s);
}

/* ---- References ---- */

wasm_ref_t *gw_api_handle(wasm_store_t *s, gw_handle_kind kind, void *object)
{
    wasm_ref_t *r = object ? calloc(1, sizeof *r) : NULL;

    if (r) {
        r->kind = kind;
        r->store = s;
        r->object = object;
        if (kind == GW_H_MODULE)
            gw_code_hold(object);
    }
    return r;
}

gw_anchor *gw_api_anchor(wasm_store_t *s, gw_handle_kind kind, void *object)
{
    gw_anchor *a = s->anchors;

    while (a && (a->object != object || a->kind != kind))
        a = a->next;
    if (a || !(a = calloc(1, sizeof *a)))
        return a;
    a->kind = kind;
    a->object = object;
    a->next = s->anchors;
    s->anchors = a;
    return a;
}

static gw_anchor *anchor_of(const wasm_ref_t *r)
{
    if (r->kind == GW_H_FOREIGN)
        return r->object;
    return r->store ? gw_api_anchor(r->store, r->kind, r->object) : NULL;
}

void wasm_ref_delete(wasm_ref_t *r)
{
    if (!r)
        return;
    if (r->kind == GW_H_MODULE)
        gw_code_release(r->object);
    else if (r->kind == GW_H_TRAP)
        gw_trap_free(r->object);
    free(r);
}

static gw_trap *copy_trap(const gw_trap *from)
{
    gw_trap *t = gw_trap_new(from->code, from->message, from->message ? strlen(from->message) : 0);

    if (t->message || !from->message) {
        t->nframes = from->nframes;
        memcpy(t->frames, from->frames, sizeof t->frames);
    }
    return t;
}

wasm_ref_t *wasm_ref_copy(const wasm_ref_t *r)
{
    if (!r)
        return NULL;
    return gw_api_handle(r->store, r->kind,
                         r->kind == GW_H_TRAP ? copy_trap(r->object) : r->object);
}

bool wasm_ref_same(const wasm_ref_t *a, const wasm_ref_t *b)
{
    return a == b || (a && b && a->kind == b->kind && a->object == b->object);
}

void *wasm_ref_get_host_info(const wasm_ref_t *r)
{
    const gw_anchor *a = anchor_of(r);
    return a ? a->info : NULL;
}

void wasm_ref_set_host_info_with_finalizer(wasm_ref_t *r, void *info, void (*finalizer)(void *))
{
    gw_anchor *a = anchor_of(r);

    if (a) {
        if (a->finalizer)
            a->finalizer(a->info);
        a->info = info;
        a->finalizer = finalizer;
    }
}

void wasm_ref_set_host_info(wasm_ref_t *r, void *info)
{
    wasm_ref_set_host_info_with_finalizer(r, info, NULL);
}

/* A handle's kinds of type; extern is any of the first four. */
#define REF_BASE(name) \
    void wasm_##name##_delete(wasm_##name##_t *r) { wasm_ref_delete((wasm_ref_t *)r); } \
    wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *r) \
    { \
        return (wasm_##name##_t *)wasm_ref_copy((const wasm_ref_t *)r); \
    } \
    bool wasm_##name##_same(const wasm_##name##_t *a, const wasm_##name##_t *b) \
    { \
        return wasm_ref_same((const wasm_ref_t *)a, (const wasm_ref_t *)b); \
    } \
    void *wasm_##name##_get_host_info(const wasm_##name##_t *r) \
    { \
        return wasm_ref_get_host_info((const wasm_ref_t *)r); \
    } \
    void wasm_##name##_set_host_info(wasm_##name##_t *r, void *info) \
    { \
        wasm_ref_set_host_info((wasm_ref_t *)r, info); \
    } \
    void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t *r, void *info, \
                                                    void (*f)(void *)) \
    { \
        wasm_ref_set_host_info_with_finalizer((wasm_ref_t *)r, info, f); \
    } \
    wasm_ref_t *wasm_##name##_as_ref(wasm_##name##_t *r) { return (wasm_ref_t *)r; } \
    const wasm_ref_t *wasm_##name##_as_ref_const(const wasm_##name##_t *r) \
    { \
        return (const wasm_ref_t *)r; \
    }
#define REF(name, test) \
    REF_BASE(name) \
    wasm_##name##_t *wasm_ref_as_##name(wasm_ref_t *r) \
    { return r && (test) ? (wasm_##name##_t *)r : NULL; } \
    const wasm_##name##_t *wasm_ref_as_##name##_const(const wasm_ref_t *r) \
    { return r && (test) ? (const wasm_##name##_t *)r : NULL; }
REF(func, r->kind == GW_H_FUNC)
REF(global, r->kind == GW_H_GLOBAL)
REF(table, r->kind == GW_H_TABLE)
REF(memory, r->kind == GW_H_MEMORY)
REF(extern, r->kind <= GW_H_MEMORY)
REF(instance, r->kind == GW_H_INSTANCE)
REF(module, r->kind == GW_H_MODULE)
REF(trap, r->kind == GW_H_TRAP)
REF(foreign, r->kind == GW_H_FOREIGN)

#define EXTERN(name, KIND) \
    wasm_extern_t *wasm_##name##_as_extern(wasm_##name##_t *r) { return (wasm_extern_t *)r; } \
    const wasm_extern_t *wasm_##name##_as_extern_const(const wasm_##name##_t *r) \
    { return (const wasm_extern_t *)r; } \
    wasm_##name##_t *wasm_extern_as_##name(wasm_extern_t *r) \
    { return r && ((wasm_ref_t *)r)->kind == KIND ? (wasm_##name##_t *)r : NULL; } \
    const wasm_##name##_t *wasm_extern_as_##name##_const(const wasm_extern_t *r) \
    { return r && ((const wasm_ref_t *)r)->kind == KIND ? (const wasm_##name##_t *)r : NULL; }
EXTERN(func, GW_H_FUNC)
EXTERN(global, GW_H_GLOBAL)
EXTERN(table, GW_H_TABLE)
EXTERN(memory, GW_H_MEMORY)

wasm_foreign_t *wasm_foreign_new(wasm_store_t *s)
{
    gw_anchor *a = calloc(1, sizeof *a);
    wasm_ref_t *r;

    if (!a)
        return NULL;
    a->kind = GW_H_FOREIGN;
    a->object = a;
    a->next = s->anchors;
    s->anchors = a;
    r = gw_api_handle(s, GW_H_FOREIGN, a);
    return (wasm_foreign_t *)r;
}

/* ---- Values ---- */

void wasm_val_delete(wasm_val_t *v)
{
    if (wasm_valkind_is_ref(v->kind))
        wasm_ref_delete(v->of.ref);
}

void wasm_val_copy(wasm_val_t *out, const wasm_val_t *v)
{
    *out = *v;
    if (wasm_valkind_is_ref(v->kind))
        out->of.ref = wasm_ref_copy(v->of.ref);
}

uint64_t gw_api_bits(wasm_store_t *s, const wasm_val_t *v)
{
    uint32_t word;
    uint64_t bits;

    switch (v->kind) {
    case WASM_I32:
        return (uint32_t)v->of.i32;
    case WASM_F32:
        memcpy(&word, &v->of.f32, sizeof word);
        return word;
    case WASM_I64:
    case WASM_F64:
        memcpy(&bits, &v->of, sizeof bits);
        return bits;
    default:
        if (!v->of.ref)
            return 0;
        if (v->kind == WASM_FUNCREF)
            return v->of.ref->kind == GW_H_FUNC ? (uintptr_t)v->of.ref->object : 0;
        return (uintptr_t)(v->of.ref->kind == GW_H_FOREIGN
                               ? v->of.ref->object
                               : gw_api_anchor(s, v->of.ref->kind, v->of.ref->object));
    }
}

void gw_api_value(wasm_store_t *s, gw_type t, uint64_t bits, wasm_val_t *out)
{
    uint32_t word = (uint32_t)bits;
    gw_anchor *a = (gw_anchor *)(uintptr_t)bits;

    memset(out, 0, sizeof *out);
    out->kind = gw_api_kind(t);
    switch (out->kind) {
    case WASM_I32:
    case WASM_F32:
        memcpy(&out->of, &word, sizeof word);
        break;
    case WASM_I64:
    case WASM_F64:
        memcpy(&out->of, &bits, sizeof bits);
        break;
    case WASM_FUNCREF:
        out->of.ref = gw_api_handle(s, GW_H_FUNC, (void *)(uintptr_t)bits);
        break;
    default:
        out->of.ref = a ? gw_api_handle(s, a->kind, a->kind == GW_H_FOREIGN ? a : a->object) : NULL;
    }
}

/* ---- Traps ---- */

wasm_trap_t *wasm_trap_new(wasm_store_t *s, const wasm_message_t *message)
{
    size_t n = message->size;

    if (n > 0 && message->data[n - 1] == 0)
        n--;
    return (wasm_trap_t *)gw_api_handle(s, GW_H_TRAP,
                                        gw_trap_new(0, message->data ? message->data : "", n));
}

static const gw_trap *trap_of(const wasm_trap_t *t)
{
    return ((const wasm_ref_t *)t)->object;
}

void wasm_trap_message(const wasm_trap_t *t, wasm_message_t *out)
{
    wasm_name_new_from_string_nt(out, gw_trap_message(trap_of(t)));
}

static wasm_frame_t *new_frame(const gw_frame *from)
{
    wasm_frame_t *f = calloc(1, sizeof *f);

    if (f)
        f->frame = *from;
    return f;
}

wasm_frame_t *wasm_trap_origin(const wasm_trap_t *t)
{
    return trap_of(t)->nframes ? new_frame(&trap_of(t)->frames[0]) : NULL;
}

void wasm_trap_trace(const wasm_trap_t *t, wasm_frame_vec_t *out)
{
    wasm_frame_vec_new_uninitialized(out, trap_of(t)->nframes);
    for (size_t k = 0; k < out->size; k++)
        out->data[k] = new_frame(&trap_of(t)->frames[k]);
}

void wasm_frame_delete(wasm_frame_t *f)
{
    if (f)
        wasm_ref_delete(f->instance);
    free(f);
}

wasm_frame_t *wasm_frame_copy(const wasm_frame_t *f)
{
    return new_frame(&f->frame);
}

wasm_instance_t *wasm_frame_instance(const wasm_frame_t *f)
{
    wasm_frame_t *mine =
        (wasm_frame_t *)(uintptr_t)f; /* the API's const says nothing of the handle kept in it */

    if (!f->instance)
        mine->instance = gw_api_handle(NULL, GW_H_INSTANCE, f->frame.instance);
    return (wasm_instance_t *)mine->instance;
}

uint32_t wasm_frame_func_index(const wasm_frame_t *f)
{
    return f->frame.func;
}

size_t wasm_frame_func_offset(const wasm_frame_t *f)
{
    size_t body = f->frame.instance->code->module->funcs[f->frame.func].offset;
    return f->frame.offset == ~0u ? 0 : f->frame.offset - body;
}

size_t wasm_frame_module_offset(const wasm_frame_t *f)
{
    return f->frame.offset == ~0u ? f->frame.instance->code->module->funcs[f->frame.func].offset
                                  : f->frame.offset;
}

/* ---- Modules ---- */

static gw_code *code_of(const wasm_module_t *m)
{
    return ((const wasm_ref_t *)m)->object;
}

wasm_module_t *wasm_module_new(wasm_store_t *s, const wasm_byte_vec_t *binary)
{
    return gantry_wasm_module_new(s, binary, NULL);
}

bool wasm_module_validate(wasm_store_t *s, const wasm_byte_vec_t *binary)
{
    gw_module *m = NULL;
    gw_error e;
    gw_status status = gw_module_decode(binary->data, binary->size, true, &m, &e);

    (void)s;
    gw_module_free(m);
    return status == GW_OK;
}

static void name_of(wasm_name_t *out, gw_slice s)
{
    wasm_byte_vec_new_uninitialized(out, s.size);
    if (out->size)
        memcpy(out->data, s.at, s.size);
}

void wasm_module_imports(const wasm_module_t *module, wasm_importtype_vec_t *out)
{
    const gw_module *m = code_of(module)->module;
    wasm_name_t from, name;

    wasm_importtype_vec_new_uninitialized(out, m->nimports);
    for (size_t k = 0; k < out->size; k++) {
        name_of(&from, m->imports[k].module);
        name_of(&name, m->imports[k].name);
        out->data[k] = wasm_importtype_new(
            &from, &name, gw_api_externtype(m, m->imports[k].kind, m->imports[k].index));
    }
}

void wasm_module_exports(const wasm_module_t *module, wasm_exporttype_vec_t *out)
{
    const gw_module *m = code_of(module)->module;
    wasm_name_t name;

    wasm_exporttype_vec_new_uninitialized(out, m->nexports);
    for (size_t k = 0; k < out->size; k++) {
        name_of(&name, m->exports[k].name);
        out->data[k] = wasm_exporttype_new(
            &name, gw_api_externtype(m, m->exports[k].kind, m->exports[k].index));
    }
}

/* The serialized form is the module itself: it is compiled again where it is read. */
void wasm_module_serialize(const wasm_module_t *m, wasm_byte_vec_t *out)
{
    name_of(out, code_of(m)->module->bytes);
}

wasm_module_t *wasm_module_deserialize(wasm_store_t *s, const wasm_byte_vec_t *bytes)
{
    return wasm_module_new(s, bytes);
}

wasm_shared_module_t *wasm_module_share(const wasm_module_t *m)
{
    return (wasm_shared_module_t *)wasm_module_copy(m);
}

wasm_module_t *wasm_module_obtain(wasm_store_t *s, const wasm_shared_module_t *m)
{
    return (wasm_module_t *)gw_api_handle(s, GW_H_MODULE, ((const wasm_ref_t *)m)->object);
}

void wasm_shared_module_delete(wasm_shared_module_t *m)
{
    wasm_ref_delete((wasm_ref_t *)m);
}
