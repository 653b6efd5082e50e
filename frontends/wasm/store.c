/* store.c - stores and the objects in them: host functions, memories, tables, globals. */
#include "runtime.h"

#include <stdlib.h>
#include <string.h>

#define PAGE ((uint64_t)65536)
/* A 32-bit index, a 32-bit offset and the widest access: what lies behind a memory may be named,
 * but not touched. */
#define GUARDED_BYTES (((uint64_t)8 << 30) + PAGE)
#define MAX_PAGES 65536u
#define MAX_ELEMENTS 10000000u

gw_store *gw_store_new(gw_engine *e, const gw_limits *limits)
{
    gw_store *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    gw_engine_hold(e);
    s->engine = e;
    if (limits)
        s->limits = *limits;
    s->interrupt.epoch = &s->epoch;
    s->interrupt.deadline = UINT64_MAX;
    return s;
}

static void free_instance(gw_instance *i)
{
    free(i->exports);
    free(i->tables);
    free(i->globals);
    free(i->imports);
    free(i->dropped_elems);
    free(i->dropped_datas);
    free(i->context);
    gw_code_release(i->code);
}

static void free_object(gw_object *o)
{
    gw_hostfunc *h = (gw_hostfunc *)o;
    gw_memory_inst *m = (gw_memory_inst *)o;

    switch (o->kind) {
    case GW_OBJ_FUNC:
        if (h->finalize)
            h->finalize(h->user);
        break;
    case GW_OBJ_TABLE:
        free(((gw_table_inst *)o)->def.elems);
        break;
    case GW_OBJ_MEMORY:
        if (m->reserved)
            gw_os_release(m->def.base, m->reserved);
        else
            free(m->def.base);
        break;
    case GW_OBJ_INSTANCE:
        free_instance((gw_instance *)o);
        break;
    case GW_OBJ_GLOBAL:
        break;
    }
    free(o);
}

void gw_store_free(gw_store *s)
{
    if (!s)
        return;
    for (gw_object *o = s->objects, *next; o; o = next) {
        next = o->next;
        free_object(o);
    }
    gw_trap_free(s->pending);
    gw_engine_release(s->engine);
    free(s);
}

/* Zeroed memory for an object, in the store's list from now on; NULL: none. */
void *gw_object_new(gw_store *s, gw_object_kind kind, size_t size)
{
    gw_object *o = calloc(1, size);

    if (!o)
        return NULL;
    o->kind = kind;
    o->store = s;
    o->next = s->objects;
    s->objects = o;
    return o;
}

/* Only for the object that was made last. */
static void forget(gw_object *o)
{
    o->store->objects = o->next;
    free(o);
}

gw_funcref *gw_func_host(gw_store *s, gw_sigtype *type, gw_host_fn fn, void *user,
                         void (*finalize)(void *))
{
    const void *code = gw_engine_trampoline(s->engine, type);
    gw_hostfunc *h = code ? gw_object_new(s, GW_OBJ_FUNC, sizeof *h) : NULL;

    if (!h)
        return NULL;
    h->fn = fn;
    h->user = user;
    h->finalize = finalize;
    h->type = type;
    h->ref.code = code;
    h->ref.vmctx = h;
    h->ref.type = type->id;
    h->ref.index = ~0u;
    return &h->ref;
}

/* ---- Memories ---- */

static bool take(uint64_t *used, uint64_t limit, uint64_t n)
{
    if (limit != 0 && (n > limit || *used > limit - n))
        return false;
    *used += n;
    return true;
}

/* Makes the first `pages` pages usable; those that were there keep their bytes. */
static bool resize(gw_memory_inst *m, uint32_t pages)
{
    uint64_t bytes = pages * PAGE;

    if (m->reserved) {
        if (!gw_os_commit(m->def.base + m->def.bytes, bytes - m->def.bytes))
            return false;
    } else {
        uint8_t *base =
            bytes <= SIZE_MAX - 1 ? calloc(1, (size_t)bytes + 1) : NULL; /* never NULL for 0 */
        if (!base)
            return false;
        if (m->def.base)
            memcpy(base, m->def.base, (size_t)m->def.bytes);
        free(m->def.base);
        m->def.base = base;
    }
    m->def.bytes = bytes;
    m->pages = pages;
    return true;
}

gw_memory_inst *gw_memory_new(gw_store *s, const gw_range *r)
{
    gw_memory_inst *m;
    uint64_t bytes = r->min * PAGE;

    if (r->min > MAX_PAGES || !take(&s->memory_bytes, s->limits.memory_bytes, bytes))
        return NULL;
    m = gw_object_new(s, GW_OBJ_MEMORY, sizeof *m);
    if (!m)
        return NULL;
    m->has_max = r->has_max;
    m->max = r->has_max && r->max < MAX_PAGES ? r->max : MAX_PAGES;
    if (!s->engine->options.explicit_bounds) {
        m->reserved = GUARDED_BYTES;
        m->def.base = gw_os_reserve(m->reserved);
    }
    if ((m->reserved && !m->def.base) || !resize(m, r->min)) {
        gw_os_release(m->def.base, m->reserved);
        forget(&m->base);
        s->memory_bytes -= bytes;
        return NULL;
    }
    return m;
}

bool gw_memory_grow(gw_memory_inst *m, uint32_t pages, uint32_t *before)
{
    gw_store *s = m->base.store;
    uint64_t bytes = pages * PAGE;

    *before = m->pages;
    if (pages > m->max || m->pages > m->max - pages)
        return false;
    if (!take(&s->memory_bytes, s->limits.memory_bytes, bytes))
        return false;
    if (pages > 0 && !resize(m, m->pages + pages)) {
        s->memory_bytes -= bytes;
        return false;
    }
    return true;
}

/* ---- Tables ---- */

bool gw_table_grow(gw_table_inst *t, uint32_t n, void *init, uint32_t *before)
{
    gw_store *s = t->base.store;
    uint64_t length = t->def.length;

    *before = (uint32_t)length;
    if (n > t->max || length > t->max - n || !take(&s->table_elements, s->limits.table_elements, n))
        return false;
    if (length + n > t->capacity) {
        uint64_t capacity = length + n + length / 2;
        if (capacity > t->max)
            capacity = t->max;
        void **elems = realloc(t->def.elems, (size_t)(capacity ? capacity : 1) * sizeof *elems);
        if (!elems) {
            s->table_elements -= n;
            return false;
        }
        t->def.elems = elems;
        t->capacity = (uint32_t)capacity;
    }
    for (uint64_t k = length; k < length + n; k++)
        t->def.elems[k] = init;
    t->def.length = length + n;
    return true;
}

gw_table_inst *gw_table_new(gw_store *s, gw_type type, const gw_range *r, void *init)
{
    gw_table_inst *t = gw_object_new(s, GW_OBJ_TABLE, sizeof *t);
    uint32_t before;

    if (!t)
        return NULL;
    t->type = type;
    t->has_max = r->has_max;
    t->declared_max = r->max;
    t->max = r->has_max && r->max < MAX_ELEMENTS ? r->max : MAX_ELEMENTS;
    if (!gw_table_grow(t, r->min, init, &before)) {
        forget(&t->base);
        return NULL;
    }
    return t;
}

gw_global_inst *gw_global_new(gw_store *s, gw_type type, bool mutable, uint64_t bits)
{
    gw_global_inst *g = gw_object_new(s, GW_OBJ_GLOBAL, sizeof *g);

    if (g) {
        g->type = type;
        g->mutable = mutable;
        g->own = bits;
        g->cell = &g->own;
    }
    return g;
}
