/* decode.h - what the decoder's parts share: a module that is being read. */
#ifndef GW_DECODE_H
#define GW_DECODE_H

#include "gw_mem.h"
#include "validate.h"

typedef struct gw_decoder {
    gw_module *m;
    gw_mem *mem;     /* the module's */
    gw_input in;     /* of the section in hand */
    const uint8_t *module_end;
    gw_validator v;
    /* The module's arrays while they are being made. */
    gw_func *funcs;
    gw_table *tables;
    gw_memory *memories;
    gw_global *globals;
    uint32_t funcs_capacity, tables_capacity, memories_capacity, globals_capacity;
    bool code_seen, data_seen;
    gw_slice names; /* the custom section "name" */
} gw_decoder;

/* Zeroed memory of the module; NULL and a fault: there is none. */
void *gw_decode_alloc(gw_decoder *d, size_t n, size_t size);

/* A count of things that take so many bytes at least. 0 and a fault: they cannot all be there. */
uint32_t gw_decode_count(gw_decoder *d, size_t bytes);

gw_slice gw_decode_name(gw_decoder *d); /* UTF-8 */
bool gw_utf8_is_valid(gw_slice s);

/* The sections by their number; each reads d->in. */
void gw_decode_types(gw_decoder *d);
void gw_decode_imports(gw_decoder *d);
void gw_decode_functions(gw_decoder *d);
void gw_decode_tables(gw_decoder *d);
void gw_decode_memories(gw_decoder *d);
void gw_decode_globals(gw_decoder *d);
void gw_decode_exports(gw_decoder *d);
void gw_decode_start(gw_decoder *d);
void gw_decode_elems(gw_decoder *d);
void gw_decode_data_count(gw_decoder *d);
void gw_decode_code(gw_decoder *d);
void gw_decode_datas(gw_decoder *d);

/* Fills in the names of the section "name"; a malformed one is as good as none. */
void gw_decode_names(gw_decoder *d);

/* Sorts n indices; less(a, b) is told `of`. Stable. tmp: n of them. */
typedef bool gw_less(const void *of, uint32_t a, uint32_t b);
void gw_sort(uint32_t *index, uint32_t n, gw_less *less, const void *of, uint32_t *tmp);

#endif
