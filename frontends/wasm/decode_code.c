/* decode_code.c - reads the sections with contents: element segments, code and data segments. */
#include "decode.h"

#define INVALID(d, at, ...) gw_fault(&(d)->in, GW_INVALID, at, __VA_ARGS__)

/* ---- element segments ---- */

enum { ELEM_NOT_ACTIVE = 1, ELEM_EXPLICIT = 2, ELEM_EXPRS = 4 }; /* 5.5.12 */

/* Table and offset of an active one. */
static void read_elem_place(gw_decoder *d, gw_elem *e, uint32_t flags)
{
    const uint8_t *at = d->in.at;

    e->mode = GW_ACTIVE;
    e->table = flags & ELEM_EXPLICIT ? gw_input_u32(&d->in) : 0;
    if (e->table >= d->m->ntables)
        INVALID(d, at, "unknown table %lu", (unsigned long)e->table);
    e->offset = gw_validate_const(&d->v, &d->in, GW_I32);
}

static void read_elem_type(gw_decoder *d, gw_elem *e, uint32_t flags)
{
    const uint8_t *at = d->in.at;

    e->type = GW_FUNCREF;
    if (!(flags & (ELEM_NOT_ACTIVE | ELEM_EXPLICIT)))
        return;
    if (flags & ELEM_EXPRS)
        e->type = gw_input_reftype(&d->in);
    else if (gw_input_byte(&d->in) != 0)
        gw_fault(&d->in, GW_MALFORMED, at, "malformed element kind");
}

static void read_elem_funcs(gw_decoder *d, gw_elem *e)
{
    uint32_t n = gw_decode_count(d, 1), *funcs = gw_decode_alloc(d, n, sizeof *funcs);

    e->funcs = funcs;
    e->count = n;
    for (uint32_t k = 0; k < n && gw_input_going(&d->in); k++) {
        const uint8_t *at = d->in.at;
        funcs[k] = gw_input_u32(&d->in);
        if (funcs[k] >= d->m->nfuncs)
            INVALID(d, at, "unknown function %lu", (unsigned long)funcs[k]);
        else
            d->funcs[funcs[k]].referenced = true;
    }
}

static void read_elem_exprs(gw_decoder *d, gw_elem *e)
{
    uint32_t n = gw_decode_count(d, 1);
    gw_constexpr *exprs = gw_decode_alloc(d, n, sizeof *exprs);

    e->exprs = exprs;
    e->count = n;
    for (uint32_t k = 0; k < n && gw_input_going(&d->in); k++)
        exprs[k] = gw_validate_const(&d->v, &d->in, e->type);
}

static void read_elem(gw_decoder *d, gw_elem *e)
{
    const uint8_t *at = d->in.at;
    uint32_t flags = gw_input_u32(&d->in);

    if (flags > 7) {
        gw_fault(&d->in, GW_MALFORMED, at, "malformed elements segment kind");
        return;
    }
    if (!(flags & ELEM_NOT_ACTIVE))
        read_elem_place(d, e, flags);
    else
        e->mode = flags & ELEM_EXPLICIT ? GW_DECLARATIVE : GW_PASSIVE;
    read_elem_type(d, e, flags);
    if (e->mode == GW_ACTIVE && d->in.fault->status == GW_OK
        && e->type != d->m->tables[e->table].type)
        INVALID(d, at, "type mismatch: a segment of %s for a table of %s", gw_type_name(e->type),
                gw_type_name(d->m->tables[e->table].type));
    if (flags & ELEM_EXPRS)
        read_elem_exprs(d, e);
    else
        read_elem_funcs(d, e);
}

void gw_decode_elems(gw_decoder *d)
{
    uint32_t n = gw_decode_count(d, 3);
    gw_elem *elems = gw_decode_alloc(d, n, sizeof *elems);

    d->m->elems = elems;
    for (uint32_t k = 0; k < n && gw_input_going(&d->in); k++) {
        read_elem(d, &elems[k]);
        d->m->nelems++;
    }
}

/* ---- code ---- */

static void read_body(gw_decoder *d, gw_func *f)
{
    gw_input in = d->in;

    f->body = gw_input_vec(&d->in);
    if (!f->body.at)
        return;
    f->offset = (size_t)(f->body.at - d->in.start);
    in.at = f->body.at;
    in.end = in.at + f->body.size;
    gw_validate_body(&d->v, f, &in);
}

void gw_decode_code(gw_decoder *d)
{
    const uint8_t *at = d->in.at;
    uint32_t n = gw_input_u32(&d->in);

    d->code_seen = true;
    if (n != d->m->nfuncs - d->m->nimported_funcs)
        gw_fault(&d->in, GW_MALFORMED, at, "function and code section have inconsistent lengths");
    for (uint32_t k = 0; k < n && gw_input_going(&d->in); k++)
        read_body(d, &d->funcs[d->m->nimported_funcs + k]);
}

/* ---- data segments ---- */

/* Code names segments before they are read; so this is their count, and has to be the right one. */
void gw_decode_data_count(gw_decoder *d)
{
    d->m->has_data_count = true;
    d->m->ndatas = gw_input_u32(&d->in);
}

static void read_data(gw_decoder *d, gw_data *x)
{
    const uint8_t *at = d->in.at;
    uint32_t flags = gw_input_u32(&d->in);

    if (flags > 2) {
        gw_fault(&d->in, GW_MALFORMED, at, "malformed data segment kind");
        return;
    }
    x->mode = flags == 1 ? GW_PASSIVE : GW_ACTIVE;
    if (x->mode == GW_ACTIVE) {
        x->memory = flags == 2 ? gw_input_u32(&d->in) : 0;
        if (x->memory >= d->m->nmemories)
            INVALID(d, at, "unknown memory %lu", (unsigned long)x->memory);
        x->offset = gw_validate_const(&d->v, &d->in, GW_I32);
    }
    x->bytes = gw_input_vec(&d->in);
}

void gw_decode_datas(gw_decoder *d)
{
    const uint8_t *at = d->in.at;
    uint32_t n = gw_decode_count(d, 2);
    gw_data *datas = gw_decode_alloc(d, n, sizeof *datas);

    d->data_seen = true;
    if (d->m->has_data_count && n != d->m->ndatas)
        gw_fault(&d->in, GW_MALFORMED, at, "data count and data section have inconsistent lengths");
    d->m->datas = datas;
    d->m->ndatas = n;
    for (uint32_t k = 0; k < n && gw_input_going(&d->in); k++)
        read_data(d, &datas[k]);
}
