/* libcalls.c - what compiled code leaves to C: growing, bulk operations, segments (4.4.6, 4.4.7).
 *
 * A result of 0 means done, 1 that the caller traps. Sizes are added in 64 bits: nothing wraps. */
#include "runtime.h"

#include <string.h>

static bool inside(uint64_t at, uint64_t n, uint64_t size)
{
    return at + n <= size; /* both below 2^32 */
}

/* ---- Memory ---- */

static uint32_t memory_grow(gw_context *c, uint32_t pages)
{
    uint32_t before;
    return gw_memory_grow(c->instance->memory, pages, &before) ? before : ~0u;
}

bool gw_memory_init(gw_instance *i, uint32_t seg, uint32_t to, uint32_t from, uint32_t n)
{
    gw_slice s = i->code->module->datas[seg].bytes;
    const gw_memdef *m = &i->memory->def;

    if (i->dropped_datas[seg])
        s.size = 0;
    if (!inside(from, n, s.size) || !inside(to, n, m->bytes))
        return false;
    if (n > 0)
        memcpy(m->base + to, s.at + from, n);
    return true;
}

static uint32_t memory_init(gw_context *c, uint32_t to, uint32_t from, uint32_t n, uint32_t seg)
{
    return !gw_memory_init(c->instance, seg, to, from, n);
}

static uint32_t memory_copy(gw_context *c, uint32_t to, uint32_t from, uint32_t n)
{
    const gw_memdef *m = c->memory;

    if (!inside(from, n, m->bytes) || !inside(to, n, m->bytes))
        return 1;
    memmove(m->base + to, m->base + from, n);
    return 0;
}

static uint32_t memory_fill(gw_context *c, uint32_t to, uint32_t byte, uint32_t n)
{
    const gw_memdef *m = c->memory;

    if (!inside(to, n, m->bytes))
        return 1;
    memset(m->base + to, (int)(byte & 0xff), n);
    return 0;
}

static void data_drop(gw_context *c, uint32_t seg)
{
    c->instance->dropped_datas[seg] = true;
}

/* ---- Tables ---- */

static uint32_t table_grow(gw_context *c, uint32_t n, uint64_t init, uint32_t table)
{
    uint32_t before;
    return gw_table_grow(c->instance->tables[table], n, (void *)(uintptr_t)init, &before) ? before
                                                                                          : ~0u;
}

bool gw_table_init(gw_instance *i, uint32_t seg, uint32_t table, uint32_t to, uint32_t from,
                   uint32_t n)
{
    const gw_elem *e = &i->code->module->elems[seg];
    const gw_tabledef *t = &i->tables[table]->def;
    uint64_t bits = 0;

    if (!inside(from, n, i->dropped_elems[seg] ? 0 : e->count) || !inside(to, n, t->length))
        return false;
    for (uint32_t k = 0; k < n; k++)
        if (e->funcs)
            t->elems[to + k] = gw_instance_func(i, e->funcs[from + k]);
        else if (gw_constexpr_value(i, &e->exprs[from + k], &bits))
            t->elems[to + k] = (void *)(uintptr_t)bits;
        else
            return false;
    return true;
}

static uint32_t table_init(gw_context *c, uint32_t to, uint32_t from, uint32_t n, uint32_t table,
                           uint32_t seg)
{
    return !gw_table_init(c->instance, seg, table, to, from, n);
}

static uint32_t table_copy(gw_context *c, uint32_t to, uint32_t from, uint32_t n, uint32_t into,
                           uint32_t out_of)
{
    const gw_tabledef *d = &c->instance->tables[into]->def, *s = &c->instance->tables[out_of]->def;

    if (!inside(from, n, s->length) || !inside(to, n, d->length))
        return 1;
    memmove(d->elems + to, s->elems + from, n * sizeof *d->elems);
    return 0;
}

static uint32_t table_fill(gw_context *c, uint32_t to, uint64_t v, uint32_t n, uint32_t table)
{
    const gw_tabledef *t = &c->instance->tables[table]->def;

    if (!inside(to, n, t->length))
        return 1;
    for (uint32_t k = 0; k < n; k++)
        t->elems[to + k] = (void *)(uintptr_t)v;
    return 0;
}

static void elem_drop(gw_context *c, uint32_t seg)
{
    c->instance->dropped_elems[seg] = true;
}

bool gw_libcalls_define(jit_engine *e)
{
    bool done = true;
#define X(name, params, result) \
    done = done && jit_engine_define_function(e, "gantry_wasm_lib_" #name, JIT_FN(name)) == JIT_OK;
    GW_LIBCALLS(X)
#undef X
    return done;
}
