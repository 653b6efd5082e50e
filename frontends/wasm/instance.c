/* instance.c - instantiation (4.5.4): imports checked, context filled, globals and active segments
 * initialized. */
#include "reader.h"
#include "runtime.h"

#include <stdlib.h>
#include <string.h>

/* ---- Access ---- */

static void *at_offset(gw_instance *i, uint32_t offset)
{
    return (char *)i->context + offset;
}

static gw_funcref *own_ref(gw_instance *i, uint32_t entry)
{
    return (gw_funcref *)at_offset(i, i->code->layout.funcs) + entry;
}

gw_funcref *gw_instance_func(gw_instance *i, uint32_t index)
{
    const gw_module *m = i->code->module;
    uint32_t entry;

    if (index < m->nimported_funcs)
        return i->imports[index];
    entry = i->code->layout.ref_of[index - m->nimported_funcs];
    return entry == ~0u ? NULL : own_ref(i, entry);
}

static uint64_t *global_cell(gw_instance *i, uint32_t k)
{
    uint64_t *cells = at_offset(i, i->code->layout.globals);
    return k < i->code->module->nimported_globals ? (uint64_t *)(uintptr_t)cells[k] : &cells[k];
}

gw_global_inst *gw_instance_global(gw_instance *i, uint32_t k)
{
    const gw_global *g = &i->code->module->globals[k];

    if (!i->globals[k]) {
        i->globals[k] = gw_global_new(i->base.store, g->type, g->mutable, 0);
        if (i->globals[k])
            i->globals[k]->cell = global_cell(i, k);
    }
    return i->globals[k];
}

const gw_extern *gw_instance_export(const gw_instance *i, const char *name, size_t length)
{
    const gw_module *m = i->code->module;

    for (uint32_t k = 0; k < m->nexports; k++)
        if (m->exports[k].name.size == length
            && (length == 0 || memcmp(m->exports[k].name.at, name, length) == 0))
            return &i->exports[k];
    return NULL;
}

/* ---- Constant expressions ---- */

bool gw_constexpr_value(gw_instance *i, const gw_constexpr *x, uint64_t *bits)
{
    gw_reader r = gw_reader_of(x->code);
    uint64_t few[16], *stack = few;
    uint32_t sp = 0;

    if (x->code.size > 32
        && !(stack = malloc(x->code.size * sizeof *stack))) /* two bytes an operand */
        return false;
    while (r.at < r.end) {
        gw_op op = gw_read_op(&r);
        switch (op) {
        case GW_OP_i32_const: stack[sp++] = (uint32_t)gw_s32(&r); break;
        case GW_OP_i64_const: stack[sp++] = (uint64_t)gw_s64(&r); break;
        case GW_OP_f32_const: stack[sp++] = gw_f32_bits(&r); break;
        case GW_OP_f64_const: stack[sp++] = gw_f64_bits(&r); break;
        case GW_OP_global_get: stack[sp++] = *global_cell(i, gw_u32(&r)); break;
        case GW_OP_ref_null: gw_byte(&r); stack[sp++] = 0; break;
        case GW_OP_ref_func: stack[sp++] = (uintptr_t)gw_instance_func(i, gw_u32(&r)); break;
        case GW_OP_i32_add: sp--; stack[sp - 1] = (uint32_t)(stack[sp - 1] + stack[sp]); break;
        case GW_OP_i32_sub: sp--; stack[sp - 1] = (uint32_t)(stack[sp - 1] - stack[sp]); break;
        case GW_OP_i32_mul: sp--; stack[sp - 1] = (uint32_t)(stack[sp - 1] * stack[sp]); break;
        case GW_OP_i64_add: sp--; stack[sp - 1] += stack[sp]; break;
        case GW_OP_i64_sub: sp--; stack[sp - 1] -= stack[sp]; break;
        case GW_OP_i64_mul: sp--; stack[sp - 1] *= stack[sp]; break;
        default: break; /* validation lets nothing else through */
        }
    }
    *bits = sp > 0 ? stack[0] : 0;
    if (stack != few)
        free(stack);
    return true;
}

/* ---- Imports ---- */

/* Limits of what is given against those that are asked for (4.5.3.2). */
static bool fits(uint32_t have_min, bool have_has_max, uint32_t have_max, const gw_range *want)
{
    return have_min >= want->min && (!want->has_max || (have_has_max && have_max <= want->max));
}

static bool import_fits(const gw_code *c, const gw_import *want, const gw_extern *have)
{
    const gw_module *m = c->module;

    if (want->kind != have->kind || !have->of.any)
        return false;
    switch (want->kind) {
    case GW_KIND_FUNC:
        return c->types[m->funcs[want->index].type]->id == have->of.func->type;
    case GW_KIND_TABLE: {
        const gw_table_inst *t = have->of.table;
        return t->type == m->tables[want->index].type
               && fits((uint32_t)t->def.length, t->has_max, t->declared_max,
                       &m->tables[want->index].range);
    }
    case GW_KIND_MEMORY: {
        const gw_memory_inst *mem = have->of.memory;
        return fits(mem->pages, mem->has_max, mem->max, &m->memories[want->index].range);
    }
    case GW_KIND_GLOBAL:
        return have->of.global->type == m->globals[want->index].type
               && have->of.global->mutable == m->globals[want->index].mutable;
    }
    return false;
}

static gw_status check_imports(const gw_code *c, const gw_extern *imports, gw_error *err)
{
    for (uint32_t k = 0; k < c->module->nimports; k++) {
        const gw_import *want = &c->module->imports[k];
        if (!import_fits(c, want, &imports[k]))
            return gw_error_set(err, GW_UNLINKABLE, SIZE_MAX, "incompatible import type: %.*s.%.*s",
                                (int)(want->module.size < 80 ? want->module.size : 80),
                                (const char *)want->module.at,
                                (int)(want->name.size < 80 ? want->name.size : 80),
                                (const char *)want->name.at);
    }
    return GW_OK;
}

static void take_imports(gw_instance *i, const gw_extern *given)
{
    const gw_module *m = i->code->module;
    gw_funcref *copies = at_offset(i, i->code->layout.imports);
    gw_funcref **refs = at_offset(i, i->code->layout.import_refs);
    uint64_t *cells = at_offset(i, i->code->layout.globals);

    for (uint32_t k = 0; k < m->nimports; k++) {
        uint32_t at = m->imports[k].index;
        switch (m->imports[k].kind) {
        case GW_KIND_FUNC:
            copies[at] = *given[k].of.func;
            refs[at] = i->imports[at] = given[k].of.func;
            break;
        case GW_KIND_TABLE:
            i->tables[at] = given[k].of.table;
            break;
        case GW_KIND_MEMORY:
            i->memory = given[k].of.memory;
            break;
        case GW_KIND_GLOBAL:
            i->globals[at] = given[k].of.global;
            cells[at] = (uintptr_t)given[k].of.global->cell;
            break;
        }
    }
}

/* ---- What it owns ---- */

static gw_status no_memory(gw_error *err)
{
    return gw_error_set(err, GW_NOMEM, SIZE_MAX, "out of memory");
}

static void make_refs(gw_instance *i)
{
    const gw_code *c = i->code;
    const gw_module *m = c->module;

    for (uint32_t k = m->nimported_funcs; k < m->nfuncs; k++) {
        uint32_t own = k - m->nimported_funcs, entry = c->layout.ref_of[own];
        if (entry == ~0u)
            continue;
        gw_funcref *r = own_ref(i, entry);
        jit_entry code = jit_code_entry(c->codes[own]);
        memcpy(&r->code, &code, sizeof r->code);
        r->vmctx = i->context;
        r->type = c->types[m->funcs[k].type]->id;
        r->index = k;
    }
}

static gw_status make_objects(gw_instance *i, gw_error *err)
{
    const gw_module *m = i->code->module;
    gw_store *s = i->base.store;

    for (uint32_t k = m->nimported_tables; k < m->ntables; k++) {
        i->tables[k] = gw_table_new(s, m->tables[k].type, &m->tables[k].range, NULL);
        if (!i->tables[k])
            return gw_error_set(err, GW_LIMIT, SIZE_MAX, "no memory for table %u, or over a limit",
                                k);
    }
    if (m->nmemories > m->nimported_memories) {
        i->memory = gw_memory_new(s, &m->memories[m->nimported_memories].range);
        if (!i->memory)
            return gw_error_set(err, GW_LIMIT, SIZE_MAX, "no room for the memory, or over a limit");
    }
    for (uint32_t k = m->nimported_globals; k < m->nglobals; k++)
        if (!gw_constexpr_value(i, &m->globals[k].init, global_cell(i, k)))
            return no_memory(err);
    return GW_OK;
}

static void fill_context(gw_instance *i)
{
    gw_context *c = i->context;
    gw_tabledef **tables = at_offset(i, i->code->layout.tables);

    c->stack_limit = i->base.store->stack_limit;
    c->interrupt = &i->base.store->interrupt;
    c->instance = i;
    if (i->memory) {
        c->memory = &i->memory->def;
        c->memory_base = i->memory->def.base;
    }
    for (uint32_t k = 0; k < i->code->module->ntables; k++)
        tables[k] = &i->tables[k]->def;
}

static gw_status make_exports(gw_instance *i, gw_error *err)
{
    const gw_module *m = i->code->module;

    for (uint32_t k = 0; k < m->nexports; k++) {
        uint32_t at = m->exports[k].index;
        gw_extern *x = &i->exports[k];
        x->kind = m->exports[k].kind;
        switch (x->kind) {
        case GW_KIND_FUNC: x->of.func = gw_instance_func(i, at); break;
        case GW_KIND_TABLE: x->of.table = i->tables[at]; break;
        case GW_KIND_MEMORY: x->of.memory = i->memory; break;
        case GW_KIND_GLOBAL: x->of.global = gw_instance_global(i, at); break;
        }
        if (!x->of.any)
            return no_memory(err);
    }
    return GW_OK;
}

/* ---- Segments ---- */

static gw_trap *segment_trap(unsigned code)
{
    return gw_trap_new(code, NULL, 0);
}

static gw_status run_segments(gw_instance *i, gw_trap **trap, gw_error *err)
{
    const gw_module *m = i->code->module;
    uint64_t to;

    for (uint32_t k = 0; k < m->nelems; k++) {
        const gw_elem *e = &m->elems[k];
        if (e->mode == GW_ACTIVE) {
            if (!gw_constexpr_value(i, &e->offset, &to))
                return no_memory(err);
            if (!gw_table_init(i, k, e->table, (uint32_t)to, 0, e->count)) {
                *trap = segment_trap(GW_TRAP_TABLE_OOB);
                return gw_error_set(err, GW_TRAP, SIZE_MAX, "%s", gw_trap_text(GW_TRAP_TABLE_OOB));
            }
        }
        if (e->mode != GW_PASSIVE)
            i->dropped_elems[k] = true;
    }
    for (uint32_t k = 0; k < m->ndatas; k++) {
        const gw_data *d = &m->datas[k];
        if (d->mode != GW_ACTIVE)
            continue;
        if (!gw_constexpr_value(i, &d->offset, &to))
            return no_memory(err);
        if (!gw_memory_init(i, k, (uint32_t)to, 0, d->bytes.size)) {
            *trap = segment_trap(JIT_TRAP_HEAP_OOB);
            return gw_error_set(err, GW_TRAP, SIZE_MAX, "%s", gw_trap_text(JIT_TRAP_HEAP_OOB));
        }
        i->dropped_datas[k] = true;
    }
    return GW_OK;
}

/* ---- The whole ---- */

static gw_instance *allocate(gw_store *s, gw_code *code)
{
    const gw_module *m = code->module;
    gw_instance *i = gw_object_new(s, GW_OBJ_INSTANCE, sizeof *i);

    if (!i)
        return NULL;
    gw_code_hold(code);
    i->code = code;
    i->exports = calloc(m->nexports + (size_t)1, sizeof *i->exports);
    i->tables = calloc(m->ntables + (size_t)1, sizeof *i->tables);
    i->globals = calloc(m->nglobals + (size_t)1, sizeof *i->globals);
    i->imports = calloc(m->nimported_funcs + (size_t)1, sizeof *i->imports);
    i->dropped_elems = calloc(m->nelems + (size_t)1, sizeof *i->dropped_elems);
    i->dropped_datas = calloc(m->ndatas + (size_t)1, sizeof *i->dropped_datas);
    i->context = calloc(1, code->layout.size);
    return i->exports && i->tables && i->globals && i->imports && i->dropped_elems
                   && i->dropped_datas && i->context
               ? i
               : NULL; /* what is there goes with the store */
}

gw_status gw_instance_new(gw_store *s, gw_code *code, const gw_extern *imports, gw_instance **out,
                          gw_trap **trap, gw_error *err)
{
    gw_status status = check_imports(code, imports, err);
    gw_instance *i;

    *out = NULL;
    *trap = NULL;
    if (status != GW_OK)
        return status;
    if (code->engine != s->engine || !code->published)
        return gw_error_set(err, GW_INTERNAL, SIZE_MAX,
                            "the module is another engine's, or not compiled");
    i = allocate(s, code);
    if (!i)
        return no_memory(err);
    take_imports(i, imports);
    make_refs(i); /* globals may hold references to functions */
    status = make_objects(i, err);
    if (status != GW_OK)
        return status;
    fill_context(i);
    status = make_exports(i, err);
    if (status == GW_OK)
        status = run_segments(i, trap, err);
    if (status == GW_OK || status == GW_TRAP)
        *out = i;
    return status;
}

gw_trap *gw_instance_start(gw_instance *i)
{
    const gw_code *c = i->code;
    uint32_t start = c->module->start;
    gw_funcref own = { NULL, i->context, 0, start };

    if (start == ~0u)
        return NULL;
    if (start < c->module->nimported_funcs)
        return gw_call(i->base.store, i->imports[start], NULL, NULL);
    jit_entry code = jit_code_entry(c->codes[start - c->module->nimported_funcs]);
    memcpy(&own.code, &code, sizeof own.code);
    own.type = c->types[c->module->funcs[start].type]->id;
    return gw_call(i->base.store, &own, NULL, NULL);
}
