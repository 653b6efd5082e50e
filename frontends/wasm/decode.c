/* decode.c - reads a module: its sections, in their order, and what has to agree between them.
 *
 * A fault of the format ends decoding. An invalid part is noted; from there on only the format is
 * looked at, since the specification decodes a module before it validates it. */
#include "decode.h"

#include <string.h>

/* A module with all that it owns. */
typedef struct {
    gw_module module;
    gw_mem mem;
    uint8_t *copy; /* of the bytes; NULL: they are the caller's */
} owned;

/* ---- for all sections ---- */

void *gw_decode_alloc(gw_decoder *d, size_t n, size_t size)
{
    void *p = gw_mem_alloc(d->mem, n, size);

    if (!p)
        gw_fault(&d->in, GW_NOMEM, d->in.at, "out of memory");
    return p;
}

uint32_t gw_decode_count(gw_decoder *d, size_t bytes)
{
    const uint8_t *at = d->in.at;
    uint32_t n = gw_input_u32(&d->in);

    if (n <= (size_t)(d->in.end - d->in.at) / bytes)
        return n;
    gw_fault(&d->in, GW_MALFORMED, at, "unexpected end: %lu entries cannot follow",
             (unsigned long)n);
    return 0;
}

/* 5.2.4: as Unicode has it, hence no surrogates, nothing overlong, nothing above U+10FFFF. */
bool gw_utf8_is_valid(gw_slice s)
{
    const uint8_t *p = s.at, *end = s.at + s.size;

    while (p < end) {
        unsigned c = *p++, more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80, x;
        if (more == 0)
            continue;
        if (c < 0xc0 || c >= 0xf8 || (size_t)(end - p) < more)
            return false;
        x = c & (0x3fu >> more);
        for (unsigned k = 0; k < more; k++, p++) {
            if ((*p & 0xc0) != 0x80)
                return false;
            x = x << 6 | (*p & 0x3f);
        }
        if (x < least || x > 0x10ffff || (x >= 0xd800 && x < 0xe000))
            return false;
    }
    return true;
}

gw_slice gw_decode_name(gw_decoder *d)
{
    gw_slice s = gw_input_vec(&d->in);

    if (s.at && !gw_utf8_is_valid(s))
        gw_fault(&d->in, GW_MALFORMED, s.at, "malformed UTF-8 encoding");
    return s;
}

void gw_sort(uint32_t *index, uint32_t n, gw_less *less, const void *of, uint32_t *tmp)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            size_t mid = low + width < n ? low + width : n;
            size_t high = mid + width < n ? mid + width : n;
            for (size_t i = low, j = mid, k = low; k < high; k++)
                tmp[k] = j == high || (i < mid && !less(of, index[j], index[i])) ? index[i++]
                                                                                  : index[j++];
        }
        memcpy(index, tmp, n * sizeof *index);
    }
}

/* ---- sections ---- */

static void custom_section(gw_decoder *d)
{
    gw_slice name = gw_decode_name(d), rest = { d->in.at, (uint32_t)(d->in.end - d->in.at) };

    if (!d->names.at && name.size == 4 && memcmp(name.at, "name", 4) == 0)
        d->names = rest;
    d->in.at = d->in.end;
}

/* A section of tags is refused only when it looks like one: else it is a number like any other. */
static void tag_section(gw_decoder *d, const uint8_t *id)
{
    const uint8_t *p = d->in.at;

    if (d->in.end - p >= 3 && p[0] > 0 && p[1] == 0)
        gw_fault(&d->in, GW_UNSUPPORTED, id, "exceptions (a tag section)");
    else
        gw_fault(&d->in, GW_MALFORMED, id, "malformed section id 13");
}

/* By number: what reads it, and its place in the order of 5.5.2. */
static const struct {
    void (*read)(gw_decoder *d);
    int place;
} sections[] = {
    { custom_section, 0 },       { gw_decode_types, 1 },   { gw_decode_imports, 2 },
    { gw_decode_functions, 3 },  { gw_decode_tables, 4 },  { gw_decode_memories, 5 },
    { gw_decode_globals, 6 },    { gw_decode_exports, 7 }, { gw_decode_start, 8 },
    { gw_decode_elems, 9 },      { gw_decode_code, 11 },   { gw_decode_datas, 12 },
    { gw_decode_data_count, 10 }
};

/* `last` is the place of the section before; returns that of this one. */
static int section(gw_decoder *d, gw_input *all, int last)
{
    const uint8_t *id = all->at;
    gw_slice bytes;
    int place;

    if (*id > 13) {
        gw_fault(all, GW_MALFORMED, id, "malformed section id %u", *id);
        return last;
    }
    all->at++;
    bytes = gw_input_vec(all);
    if (!bytes.at)
        return last;
    d->in.at = bytes.at;
    d->in.end = bytes.at + bytes.size;
    if (*id == 13) {
        tag_section(d, id);
        return last;
    }
    place = sections[*id].place;
    if (place > 0 && place <= last)
        gw_fault(&d->in, GW_MALFORMED, id,
                 "unexpected content after last section: section %u out of order", *id);
    sections[*id].read(d);
    if (d->in.at != d->in.end)
        gw_fault(&d->in, GW_MALFORMED, d->in.at, "section size mismatch");
    return place > 0 ? place : last;
}

static void preamble(gw_input *all)
{
    static const uint8_t magic[4] = { 0, 'a', 's', 'm' }, version[4] = { 1, 0, 0, 0 };
    const uint8_t *p = gw_input_bytes(all, 4);

    if (p && memcmp(p, magic, 4) != 0)
        gw_fault(all, GW_MALFORMED, p, "magic header not detected");
    p = gw_input_bytes(all, 4);
    if (p && memcmp(p, version, 4) != 0)
        gw_fault(all, GW_MALFORMED, p, "unknown binary version");
}

static void closing_checks(gw_decoder *d)
{
    gw_module *m = d->m;

    if (!d->code_seen && m->nfuncs > m->nimported_funcs)
        gw_fault(&d->in, GW_MALFORMED, d->module_end,
                 "function and code section have inconsistent lengths");
    if (!d->data_seen && m->ndatas > 0)
        gw_fault(&d->in, GW_MALFORMED, d->module_end,
                 "data count and data section have inconsistent lengths");
}

static void decode(gw_decoder *d)
{
    gw_input all = { d->m->bytes.at, d->module_end, d->m->bytes.at, d->in.fault };
    int last = 0;

    preamble(&all);
    while (all.at < all.end && gw_input_going(&all))
        last = section(d, &all, last);
    if (!gw_input_going(&all))
        return;
    closing_checks(d);
    if (all.fault->status == GW_OK)
        gw_decode_names(d);
}

/* ---- modules ---- */

static owned *new_module(const void *bytes, size_t size, bool keep)
{
    owned *o = gw_mem_realloc(NULL, sizeof *o);

    if (!o)
        return NULL;
    memset(o, 0, sizeof *o);
    o->module.memory = o;
    o->module.start = ~0u;
    o->module.bytes.at = bytes;
    o->module.bytes.size = (uint32_t)size;
    if (keep || size == 0)
        return o;
    o->copy = gw_mem_realloc(NULL, size);
    if (!o->copy) {
        gw_module_free(&o->module);
        return NULL;
    }
    memcpy(o->copy, bytes, size);
    o->module.bytes.at = o->copy;
    return o;
}

gw_status gw_module_decode(const void *bytes, size_t size, bool keep, gw_module **m, gw_error *e)
{
    gw_decoder d;
    owned *o;

    *m = NULL;
    memset(e, 0, sizeof *e);
    memset(&d, 0, sizeof d);
    d.in.fault = e;
    if (size > GW_MAX_MODULE) {
        gw_fault(&d.in, GW_LIMIT, NULL, "the module is too large: %d bytes at most", GW_MAX_MODULE);
        return e->status;
    }
    o = new_module(bytes, size, keep);
    if (!o) {
        gw_fault(&d.in, GW_NOMEM, NULL, "out of memory");
        return e->status;
    }
    d.m = d.v.m = &o->module;
    d.mem = &o->mem;
    d.in.start = d.in.at = d.in.end = o->module.bytes.at;
    d.module_end = d.in.start + size;
    decode(&d);
    gw_validator_free(&d.v);
    if (e->status == GW_OK)
        *m = &o->module;
    else
        gw_module_free(&o->module);
    return e->status;
}

void gw_module_free(gw_module *m)
{
    owned *o = m ? m->memory : NULL;

    if (!o)
        return;
    gw_mem_free(&o->mem);
    gw_mem_realloc(o->copy, 0);
    gw_mem_realloc(o, 0);
}
