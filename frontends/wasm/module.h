/* module.h - a WebAssembly module, decoded and validated: what the decoder makes and others read.
 *
 * Everything in it lives in the module's own memory and is freed with it; bytes (names, bodies,
 * segments) are slices of the module's copy of the input. Index spaces are those of the
 * specification (2.5.1): imports first. After gw_module_decode() has returned GW_OK every index,
 * type and limit in it is known to be right, so that its readers check nothing again. It does not
 * change afterwards and may be read by many threads.
 *
 * WebAssembly 2.0 without vectors, plus extended constants. What is refused is refused by name
 * (GW_UNSUPPORTED). Code is read with reader.h. */
#ifndef GW_MODULE_H
#define GW_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum gw_status {
    GW_OK,
    GW_MALFORMED,   /* not a module by the binary format (section 5) */
    GW_INVALID,     /* breaks a validation rule (section 3) */
    GW_UNLINKABLE,  /* an import that does not fit (section 4.5) */
    GW_TRAP,        /* while running */
    GW_UNSUPPORTED, /* a feature that is not there; the text names it */
    GW_LIMIT,       /* a limit of this engine (gw_limits) */
    GW_NOMEM,
    GW_INTERNAL
} gw_status;

/* Limits of this engine: what goes beyond is GW_LIMIT. */
enum {
    GW_MAX_MODULE = 1 << 30, /* bytes */
    GW_MAX_LOCALS = 50000,   /* of a function, parameters included */
    GW_MAX_PARAMS = 1000,    /* of a type; also results */
    GW_MAX_OPERANDS = 1 << 20 /* on the stack at once, but for what single pushes add */
};

/* The first fault of a module. Text is the specification's word for it where there is one
 * ("unexpected end", "type mismatch"), then particulars. As in the specification a module is
 * decoded before it is validated: a fault of its format hides an invalid part before it. */
typedef struct gw_error {
    gw_status status;
    size_t offset; /* in bytes from the start of the module; SIZE_MAX: no place */
    char text[232];
} gw_error;

/* Value types by their byte in the binary format (5.3.1). */
typedef uint8_t gw_type;
enum {
    GW_I32 = 0x7f,
    GW_I64 = 0x7e,
    GW_F32 = 0x7d,
    GW_F64 = 0x7c,
    GW_V128 = 0x7b, /* refused by name */
    GW_FUNCREF = 0x70,
    GW_EXTERNREF = 0x6f,
    GW_NOTYPE = 0 /* of no value: bottom in the validator, an empty block type */
};
static inline bool gw_type_is_ref(gw_type t)
{
    return t == GW_FUNCREF || t == GW_EXTERNREF;
}

typedef struct gw_slice {
    const uint8_t *at;
    uint32_t size;
} gw_slice;

/* Types that are equal have equal `same`, the lowest index of an equal type in the module. */
typedef struct gw_functype {
    const gw_type *params, *results;
    uint32_t nparams, nresults;
    uint32_t same;
} gw_functype;

typedef struct gw_range {
    uint32_t min, max; /* in pages of 64 KiB or in elements */
    bool has_max;
} gw_range;

typedef struct gw_table {
    gw_type type;
    gw_range range;
} gw_table;

typedef struct gw_memory {
    gw_range range; /* at most 65536 pages */
} gw_memory;

/* A constant expression: valid instructions without the final `end`, evaluated when the module is
 * instantiated: const, ref.null, ref.func, global.get of an imported immutable global, and add, sub
 * and mul of integers. */
typedef struct gw_constexpr {
    gw_slice code;
    uint32_t max_stack; /* operands at most on the stack at once */
    gw_type type;
} gw_constexpr;

typedef struct gw_global {
    gw_type type;
    bool mutable;
    gw_constexpr init; /* code.at NULL for an import */
} gw_global;

/* A function. What the validator learns of a body bounds all work on it. */
typedef struct gw_func {
    uint32_t type;      /* into types */
    bool imported;
    bool referenced;    /* may be named by ref.func: exported, in an element or a global */
    gw_slice body;      /* from the vector of local declarations to the final `end` */
    size_t offset;      /* of the body in the module */
    uint32_t nlocals;   /* parameters included; at most 50,000 */
    uint32_t max_stack; /* operands at most on the stack at once */
    uint32_t max_depth; /* control frames at most at once */
} gw_func;

typedef enum gw_kind { GW_KIND_FUNC, GW_KIND_TABLE, GW_KIND_MEMORY, GW_KIND_GLOBAL } gw_kind;

typedef struct gw_import {
    gw_slice module, name; /* UTF-8 */
    gw_kind kind;
    uint32_t index; /* in the space of its kind */
} gw_import;

typedef struct gw_export {
    gw_slice name;
    gw_kind kind;
    uint32_t index;
} gw_export;

typedef enum gw_segment_mode { GW_ACTIVE, GW_PASSIVE, GW_DECLARATIVE } gw_segment_mode;

/* Elements are function indices (funcs) or, where that is NULL, constant expressions (exprs). */
typedef struct gw_elem {
    gw_type type;
    gw_segment_mode mode;
    uint32_t table;      /* active */
    gw_constexpr offset; /* active */
    uint32_t count;
    const uint32_t *funcs;
    const gw_constexpr *exprs;
} gw_elem;

typedef struct gw_data {
    gw_segment_mode mode;
    uint32_t memory;
    gw_constexpr offset;
    gw_slice bytes;
} gw_data;

typedef struct gw_module {
    gw_slice bytes; /* the whole binary; size at most 1 GiB */
    const gw_functype *types;
    const gw_import *imports;
    gw_func *funcs;
    const gw_table *tables;
    const gw_memory *memories; /* at most one */
    const gw_global *globals;
    const gw_export *exports;
    const gw_elem *elems;
    const gw_data *datas;
    const gw_slice *func_names; /* from the name section, by function; NULL: none at all;
                                   an empty slice: no name of this one */
    gw_slice name;              /* of the module, from the name section */
    uint32_t ntypes, nimports, nfuncs, ntables, nmemories, nglobals, nexports, nelems, ndatas;
    uint32_t nimported_funcs, nimported_tables, nimported_memories, nimported_globals;
    uint32_t start; /* function, or ~0u */
    bool has_data_count;
    void *memory; /* what gw_module_free() frees */
} gw_module;

/* Decodes and validates everything. keep: the bytes stay with the caller and outlive the module;
 * otherwise they are copied. On failure *m is NULL and *e says what, with the place. Memory is
 * bounded by a small multiple of size: no count in the input is believed before the bytes that it
 * announces are there. Nothing recurses; time is linear but for the sorting of names and types. */
gw_status gw_module_decode(const void *bytes, size_t size, bool keep, gw_module **m, gw_error *e);
void gw_module_free(gw_module *m); /* NULL is fine */

#endif
