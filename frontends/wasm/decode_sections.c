/* decode_sections.c - reads the sections that declare things: types, imports, functions, tables,
 * memories, globals, exports and the start function, with the rules for each (3.2, 3.4). */
#include "decode.h"

#include <string.h>

#define INVALID(d, at, ...) gw_fault(&(d)->in, GW_INVALID, at, __VA_ARGS__)

static void malformed(gw_decoder *d, const uint8_t *at, const char *text, unsigned byte)
{
    gw_fault(&d->in, GW_MALFORMED, at, "%s %02x", text, byte);
}

/* Room for `more` elements behind the n of an array; NULL and a fault: there is no memory. */
static void *reserve(gw_decoder *d, void *array, uint32_t n, uint32_t more, uint32_t *capacity,
                     size_t size)
{
    void *larger;

    if (more <= *capacity - n)
        return array;
    larger = gw_decode_alloc(d, (size_t)n + more, size);
    if (!larger)
        return NULL;
    if (n > 0)
        memcpy(larger, array, n * size);
    *capacity = n + more;
    return larger;
}

/* The next element of one of the decoder's arrays, which doubles when it is full. */
#define APPEND(d, what, element)                                                             \
    do {                                                                                     \
        uint32_t n_ = (d)->m->n##what;                                                       \
        void *array_ = reserve(d, (d)->what, n_, (d)->what##_capacity > n_ ? 1 : n_ ? n_ : 1, \
                               &(d)->what##_capacity, sizeof *(d)->what);                    \
        if (array_) {                                                                        \
            (d)->m->what = (d)->what = array_;                                               \
            (d)->what[(d)->m->n##what++] = element;                                          \
        }                                                                                    \
    } while (0)

/* ---- types ---- */

static void read_types(gw_decoder *d, const gw_type **types, uint32_t *count)
{
    const uint8_t *at = d->in.at;
    uint32_t n = gw_decode_count(d, 1);

    if (n > GW_MAX_PARAMS)
        gw_fault(&d->in, GW_LIMIT, at, "too many parameters or results: %d at most", GW_MAX_PARAMS);
    *types = d->in.at;
    *count = n;
    for (uint32_t k = 0; k < n && gw_input_going(&d->in); k++)
        gw_input_type(&d->in);
}

static void type_form(gw_decoder *d)
{
    const uint8_t *at = d->in.at;

    switch (gw_input_byte(&d->in)) {
    case 0x60: break;
    case 0x4e: case 0x4f: case 0x50: case 0x5e: case 0x5f:
        gw_fault(&d->in, GW_UNSUPPORTED, at, "garbage collection");
        break;
    default:
        gw_fault(&d->in, GW_MALFORMED, at, *at >= 0x80 ? "integer representation too long"
                                                       : "malformed function type");
    }
}

/* Is type a before b in some order in which equal types are neighbours? */
static bool type_less(const void *of, uint32_t a, uint32_t b)
{
    const gw_functype *x = (const gw_functype *)of + a, *y = (const gw_functype *)of + b;
    int order;

    if (x->nparams != y->nparams)
        return x->nparams < y->nparams;
    if (x->nresults != y->nresults)
        return x->nresults < y->nresults;
    order = x->nparams ? memcmp(x->params, y->params, x->nparams) : 0;
    if (order == 0 && x->nresults)
        order = memcmp(x->results, y->results, x->nresults);
    return order < 0;
}

/* The numbers 0 to n - 1 and as much room; the caller frees them. */
static uint32_t *indices(gw_decoder *d, uint32_t n)
{
    uint32_t *index = gw_mem_realloc(NULL, ((size_t)n + 1) * 2 * sizeof *index);

    if (!index)
        gw_fault(&d->in, GW_NOMEM, d->in.at, "out of memory");
    for (uint32_t k = 0; index && k < n; k++)
        index[k] = k;
    return index;
}

static void find_same_types(gw_decoder *d, gw_functype *types, uint32_t n)
{
    uint32_t *index = indices(d, n);

    if (!index)
        return;
    gw_sort(index, n, type_less, types, index + n);
    for (uint32_t k = 0; k < n; k++) /* the sort is stable: the first of a run is the lowest */
        types[index[k]].same = k > 0 && !type_less(types, index[k - 1], index[k])
                                   ? types[index[k - 1]].same
                                   : index[k];
    gw_mem_realloc(index, 0);
}

void gw_decode_types(gw_decoder *d)
{
    uint32_t n = gw_decode_count(d, 3);
    gw_functype *types = gw_decode_alloc(d, n, sizeof *types);

    d->m->types = types;
    for (uint32_t k = 0; k < n && gw_input_going(&d->in); k++) {
        type_form(d);
        read_types(d, &types[k].params, &types[k].nparams);
        read_types(d, &types[k].results, &types[k].nresults);
        d->m->ntypes++;
    }
    if (gw_input_going(&d->in))
        find_same_types(d, types, n);
}

static uint32_t read_type_index(gw_decoder *d)
{
    const uint8_t *at = d->in.at;
    uint32_t x = gw_input_u32(&d->in);

    if (x >= d->m->ntypes)
        INVALID(d, at, "unknown type %lu", (unsigned long)x);
    return x;
}

/* ---- limits, tables, memories, globals ---- */

/* 0: no maximum, 1: there is one. */
static unsigned limits_flag(gw_decoder *d, bool memory)
{
    const uint8_t *at = d->in.at;
    unsigned flag = gw_input_byte(&d->in);

    if (flag == 3 && memory)
        gw_fault(&d->in, GW_UNSUPPORTED, at, "threads (a shared memory)");
    else if (flag >= 4 && flag <= (memory ? 7 : 5))
        gw_fault(&d->in, GW_UNSUPPORTED, at, "memory64 (64-bit indices)");
    else if (flag > 1)
        malformed(d, at, "malformed limits flags", flag);
    return flag;
}

static gw_range read_limits(gw_decoder *d, bool memory)
{
    const uint8_t *at = d->in.at;
    gw_range r = { 0, 0, false };

    r.has_max = limits_flag(d, memory) == 1;
    r.min = gw_input_u32(&d->in);
    if (r.has_max)
        r.max = gw_input_u32(&d->in);
    if (memory && (r.min > 65536 || r.max > 65536))
        INVALID(d, at, "memory size must be at most 65536 pages (4GiB)");
    if (r.has_max && r.min > r.max)
        INVALID(d, at, "size minimum must not be greater than maximum");
    return r;
}

static void read_table(gw_decoder *d)
{
    const uint8_t *at = d->in.at;
    gw_table t = { GW_FUNCREF, { 0, 0, false } };

    if (d->in.end - at >= 2 && at[0] == 0x40 && at[1] == 0) {
        gw_fault(&d->in, GW_UNSUPPORTED, at, "typed function references (a table's initializer)");
        return;
    }
    t.type = gw_input_reftype(&d->in);
    t.range = read_limits(d, false);
    APPEND(d, tables, t);
}

static void read_memory(gw_decoder *d)
{
    const uint8_t *at = d->in.at;
    gw_memory m = { read_limits(d, true) };

    if (d->m->nmemories > 0)
        INVALID(d, at, "multiple memories");
    APPEND(d, memories, m);
}

static gw_global read_global_type(gw_decoder *d)
{
    const uint8_t *at;
    gw_global g = { 0, false, { { NULL, 0 }, 0, 0 } };
    unsigned mutability;

    g.type = gw_input_type(&d->in);
    at = d->in.at;
    mutability = gw_input_byte(&d->in);
    if (mutability > 1)
        malformed(d, at, "malformed mutability", mutability);
    g.mutable = mutability == 1;
    return g;
}

void gw_decode_tables(gw_decoder *d)
{
    for (uint32_t n = gw_decode_count(d, 3); n > 0 && gw_input_going(&d->in); n--)
        read_table(d);
}

void gw_decode_memories(gw_decoder *d)
{
    for (uint32_t n = gw_decode_count(d, 2); n > 0 && gw_input_going(&d->in); n--)
        read_memory(d);
}

void gw_decode_globals(gw_decoder *d)
{
    for (uint32_t n = gw_decode_count(d, 3); n > 0 && gw_input_going(&d->in); n--) {
        gw_global g = read_global_type(d);
        g.init = gw_validate_const(&d->v, &d->in, g.type);
        APPEND(d, globals, g);
    }
}

/* ---- functions ---- */

static bool reserve_funcs(gw_decoder *d, uint32_t more)
{
    gw_func *funcs = reserve(d, d->funcs, d->m->nfuncs, more, &d->funcs_capacity, sizeof *funcs);

    if (funcs)
        d->m->funcs = d->funcs = funcs;
    return funcs || more == 0;
}

static void read_function(gw_decoder *d, bool imported)
{
    gw_func f;

    memset(&f, 0, sizeof f);
    f.imported = imported;
    f.type = read_type_index(d);
    APPEND(d, funcs, f);
}

/* Each function has three bytes of code at least: its size, no locals, `end`. */
void gw_decode_functions(gw_decoder *d)
{
    const uint8_t *at = d->in.at;
    uint32_t n = gw_decode_count(d, 1);

    if (n > (size_t)(d->module_end - d->in.end) / 3)
        gw_fault(&d->in, GW_MALFORMED, at,
                 "function and code section have inconsistent lengths: %lu functions",
                 (unsigned long)n);
    else if (reserve_funcs(d, n))
        for (; n > 0 && gw_input_going(&d->in); n--)
            read_function(d, false);
}

/* ---- imports ---- */

/* A tag is refused only when it looks like one: else it is a kind like any other. */
static void import_of_unknown_kind(gw_decoder *d, const uint8_t *at)
{
    if (*at == 4 && d->in.end - at >= 3 && at[1] == 0)
        gw_fault(&d->in, GW_UNSUPPORTED, at, "exceptions (an imported tag)");
    else
        malformed(d, at, "malformed import kind", *at);
}

static void read_import(gw_decoder *d, gw_import *x)
{
    const uint8_t *at;
    gw_global g;

    x->module = gw_decode_name(d);
    x->name = gw_decode_name(d);
    at = d->in.at;
    x->kind = (gw_kind)gw_input_byte(&d->in);
    if (!gw_input_going(&d->in))
        return;
    switch (x->kind) {
    case GW_KIND_FUNC:
        x->index = d->m->nfuncs;
        read_function(d, true);
        break;
    case GW_KIND_TABLE:
        x->index = d->m->ntables;
        read_table(d);
        break;
    case GW_KIND_MEMORY:
        x->index = d->m->nmemories;
        read_memory(d);
        break;
    case GW_KIND_GLOBAL:
        x->index = d->m->nglobals;
        g = read_global_type(d);
        APPEND(d, globals, g);
        break;
    default: import_of_unknown_kind(d, at);
    }
}

void gw_decode_imports(gw_decoder *d)
{
    uint32_t n = gw_decode_count(d, 4);
    gw_import *imports = gw_decode_alloc(d, n, sizeof *imports);

    d->m->imports = imports;
    for (uint32_t k = 0; k < n && gw_input_going(&d->in); k++) {
        read_import(d, &imports[k]);
        d->m->nimports++;
    }
    d->m->nimported_funcs = d->m->nfuncs;
    d->m->nimported_tables = d->m->ntables;
    d->m->nimported_memories = d->m->nmemories;
    d->m->nimported_globals = d->m->nglobals;
}

/* ---- exports and start ---- */

static bool export_less(const void *of, uint32_t a, uint32_t b)
{
    const gw_export *x = (const gw_export *)of + a, *y = (const gw_export *)of + b;

    if (x->name.size != y->name.size)
        return x->name.size < y->name.size;
    return memcmp(x->name.at, y->name.at, x->name.size) < 0;
}

static void check_export_names(gw_decoder *d, const gw_export *exports, uint32_t n)
{
    uint32_t *index = indices(d, n);

    if (!index)
        return;
    gw_sort(index, n, export_less, exports, index + n);
    for (uint32_t k = 1; k < n; k++)
        if (!export_less(exports, index[k - 1], index[k]))
            INVALID(d, exports[index[k]].name.at, "duplicate export name");
    gw_mem_realloc(index, 0);
}

static void read_export(gw_decoder *d, gw_export *x)
{
    static const char *const kinds[] = { "function", "table", "memory", "global" };
    const uint32_t counts[] = { d->m->nfuncs, d->m->ntables, d->m->nmemories, d->m->nglobals };
    const uint8_t *at;
    unsigned kind;

    x->name = gw_decode_name(d);
    at = d->in.at;
    kind = gw_input_byte(&d->in);
    if (kind > 3) {
        malformed(d, at, "malformed export kind", kind);
        return;
    }
    at = d->in.at;
    x->kind = (gw_kind)kind;
    x->index = gw_input_u32(&d->in);
    if (!gw_input_going(&d->in))
        return;
    if (x->index >= counts[kind])
        INVALID(d, at, "unknown %s %lu", kinds[kind], (unsigned long)x->index);
    else if (kind == GW_KIND_FUNC)
        d->funcs[x->index].referenced = true;
}

void gw_decode_exports(gw_decoder *d)
{
    uint32_t n = gw_decode_count(d, 3);
    gw_export *exports = gw_decode_alloc(d, n, sizeof *exports);

    d->m->exports = exports;
    for (uint32_t k = 0; k < n && gw_input_going(&d->in); k++) {
        read_export(d, &exports[k]);
        d->m->nexports++;
    }
    if (gw_input_going(&d->in))
        check_export_names(d, exports, n);
}

void gw_decode_start(gw_decoder *d)
{
    const uint8_t *at = d->in.at;
    const gw_functype *t;
    uint32_t x = gw_input_u32(&d->in);

    d->m->start = x;
    if (x >= d->m->nfuncs) {
        INVALID(d, at, "unknown function %lu", (unsigned long)x);
        return;
    }
    if (d->in.fault->status != GW_OK) /* its type may be unknown */
        return;
    t = &d->m->types[d->funcs[x].type];
    if (t->nparams > 0 || t->nresults > 0)
        INVALID(d, at, "start function: its type is not [] -> []");
}
