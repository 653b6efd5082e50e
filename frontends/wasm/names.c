/* names.c - reads the custom section "name" (7.4): the names of the module and of its functions,
 * for backtraces. What is wrong with it is no fault of the module: then there are no names. */
#include "decode.h"

enum { MODULE_NAME = 0, FUNCTION_NAMES = 1 };

static void read_function_names(gw_decoder *d)
{
    uint32_t n = gw_decode_count(d, 2);
    gw_slice *names = gw_decode_alloc(d, d->m->nfuncs, sizeof *names);

    d->m->func_names = names;
    for (; n > 0 && gw_input_going(&d->in); n--) {
        uint32_t x = gw_input_u32(&d->in);
        gw_slice name = gw_decode_name(d);
        if (x < d->m->nfuncs)
            names[x] = name;
    }
}

static void read_subsection(gw_decoder *d)
{
    unsigned id = gw_input_byte(&d->in);
    gw_slice bytes = gw_input_vec(&d->in);
    const uint8_t *end = d->in.end, *after = d->in.at;

    if (!gw_input_going(&d->in))
        return;
    d->in.at = bytes.at;
    d->in.end = bytes.at + bytes.size;
    if (id == MODULE_NAME)
        d->m->name = gw_decode_name(d);
    else if (id == FUNCTION_NAMES && !d->m->func_names)
        read_function_names(d);
    d->in.end = end;
    d->in.at = after;
}

void gw_decode_names(gw_decoder *d)
{
    gw_error *e = d->in.fault, ignored = { GW_OK, 0, "" };
    gw_slice none = { NULL, 0 };

    if (!d->names.at)
        return;
    d->in.fault = &ignored;
    d->in.at = d->names.at;
    d->in.end = d->names.at + d->names.size;
    while (d->in.at < d->in.end && gw_input_going(&d->in))
        read_subsection(d);
    if (ignored.status != GW_OK) {
        d->m->func_names = NULL;
        d->m->name = none;
    }
    d->in.fault = e;
    if (ignored.status == GW_NOMEM)
        *e = ignored;
}
